/* How a manager has all cores of a partition read back what protects them: a word for each core, 0 while it is to do so. The
 * core that answers managers, the boot vCPU's (0) and another (1). A manager who does not get all answers asks again, when
 * all that the last question brought about is over.
 *
 * Each `--` names the place in Sources/Metal/Hypervisor that a step stands for; see partition.pml.
 */
bool words[2] = true;         /* ControlPage.protection: not 0 */
bool kicked[2];
bool inGuest[2];
byte starts = 0;              /* of guests are bounded, and so are ends */
byte ends = 0;

#define KICK(core) kicked[core] = true
#define TAKE_KICK(core) atomic { kicked[core] -> kicked[core] = false; inGuest[core] = false }

/* -- Management/MachineBackend.swift, takeProtection, beginSelfCheck: each answer is taken, and then the boot vCPU's core kicked. */
inline ask() {
#ifdef ASK_KICKS_FIRST
    KICK(0);
#endif
    words[0] = false;
    words[1] = false;
#ifndef ASK_KICKS_FIRST
    KICK(0)
#endif
}

/* -- VCPU/SelfCheck.swift, checkProtectionIfAsked, isProtected */
inline check(me) {
    if
    :: !words[me] ->
#ifndef CHECK_WITHOUT_KICK
       if :: me == 0 -> KICK(1) :: else fi;
#endif
       words[me] = true
    :: else
    fi
}

proctype core(byte me) {
    do
    /* -- VCPU/SelfCheck.swift, nap */
    ::
#ifndef NAP_WITHOUT_LOOK
       check(me);
#endif
       TAKE_KICK(me)
    /* -- VCPU/VCPURunner.swift, runGuest, handleKick: a look, and then a word that nobody has asked for. */
    :: atomic { starts < 2 -> starts++ };
       check(me);
       words[me] = true;
       inGuest[me] = true;
       do
       :: TAKE_KICK(me);
#ifndef GUEST_WITHOUT_LOOK
          check(me);
#endif
          inGuest[me] = true
       :: atomic { ends < 1 -> ends++; inGuest[me] = false }; break
       od
    od
}

active proctype manager() {
    ask();
    timeout;
    ask();
    timeout;
    assert(words[0] && words[1])
}

init {
    atomic { run core(0); run core(1) }
}
