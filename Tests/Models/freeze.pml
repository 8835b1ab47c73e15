/* How the watch over a guest's kernel freezes it: the one order that any core of a partition gives, beside a manager who pauses,
 * resumes and stops. The boot vCPU's core (0) and two others; one life of the guest. Orders are given by locked instructions.
 *
 * Each `--` names the place in Sources/Metal/Hypervisor that a step stands for; see partition.pml, which has all else.
 */
#define RUN 0
#define PAUSED 1
#define STOPPED 2

#define NONE 0
#define PAUSE 1
#define RESUME 2
#define STOP 3

byte request = NONE;          /* ControlPage.request */
byte order = RUN;             /* PartitionContext.order */
bool isPaused = false;        /* ControlPage.state is paused: managers see it */
bool paused[3];               /* VCPUSignals.pausedAt */
bool inGuest[3];
bool isOut[3];
bool kicked[3];
bool isResuming = false;      /* the boot vCPU's core waits for all others to be paused */
byte attacks = 0;
byte asked = 0;

#define KICK(core) kicked[core] = true
#define SLEEP(core) atomic { kicked[core] -> kicked[core] = false }
#define KICK_OTHERS KICK(1); KICK(2)

/* -- Watch/GuardedStep.swift, allows, freeze: an order that is there already stays. */
#ifdef FREEZE_WITHOUT_EXCHANGE
#define GIVE_ORDER order = PAUSED
#else
#define GIVE_ORDER atomic { if :: order == RUN -> order = PAUSED :: else fi }
#endif
inline freeze(me) {
    atomic { attacks < 2 -> attacks++; inGuest[me] = false };
    GIVE_ORDER;
#ifndef FREEZE_WITHOUT_KICK
    KICK(0)
#endif
}

/* -- Management/MachineBackend.swift, request: what the state allows, as managers see it. */
active proctype manager() {
    do
    :: asked < 3 && request == NONE ->
        asked++;
        if
        :: isPaused -> request = RESUME
        :: !isPaused -> request = PAUSE
        :: request = STOP
        fi;
        KICK(0)
    :: break
    od
}

active proctype boot() {
enter:
    inGuest[0] = true;
    if
    :: atomic { kicked[0] -> kicked[0] = false; inGuest[0] = false }
    :: freeze(0)
    fi;
look:
    do
    /* -- VCPU/VCPURunner.swift, takeRequest */
    :: if
       :: request == STOP -> goto ended
       :: request == PAUSE ->
          request = NONE;
          if :: !isPaused -> order = PAUSED; isPaused = true :: else fi;
          KICK_OTHERS
       :: request == RESUME ->
          request = NONE;
          /* A manager's request may be late. What a core has just frozen, and nobody has said so, is not what he saw: the others
           * would be waited for, which are not kicked yet. */
          if
#ifdef RESUME_BY_ORDER
          :: order == PAUSED ->
#else
          :: isPaused ->
#endif
             /* -- Partition/PartitionContext.swift, resumeClock */
             isResuming = true;
             paused[1] && paused[2];
             isResuming = false;
             order = RUN;
             isPaused = false
          :: else
          fi;
          KICK_OTHERS
       :: else
       fi;
       /* -- VCPU/VCPURunner.swift, handleKick, waitWhilePaused: whatever core gave the order, this one says so. */
       if
       :: order == PAUSED ->
#ifndef FREEZE_WITHOUT_STATE
          if
          :: !isPaused ->
             isPaused = true;
#ifndef FREEZE_WITHOUT_OTHERS
             KICK_OTHERS
#endif
          :: else
          fi;
#endif
          paused[0] = true;
          SLEEP(0)
       :: else -> paused[0] = false; break
       fi
    od;
    goto enter;
ended:
    /* -- VCPU/BootVCPU.swift, teardown, takeBack */
    order = STOPPED;
    KICK_OTHERS;
    isOut[1] && isOut[2];
    isOut[0] = true
}

proctype other(byte me) {
enter:
    inGuest[me] = true;
    if
    :: atomic { kicked[me] -> kicked[me] = false; inGuest[me] = false }
    :: freeze(me)
    fi;
    do
    :: order == STOPPED -> isOut[me] = true; goto end
    :: order == PAUSED ->
       paused[me] = true;
       SLEEP(me)
    :: order == RUN -> paused[me] = false; goto enter
    od;
end: skip
}

/* When nothing happens any more, what has been ordered is so, on all cores, and managers see it. */
active proctype quiet() {
    timeout ->
    assert(!isResuming && (request == NONE || isOut[0]));
    assert(order != PAUSED || isPaused && !inGuest[0] && !inGuest[1] && !inGuest[2]);
    assert(order != STOPPED || isOut[0]);
    assert(order != RUN || inGuest[0] && inGuest[1] && inGuest[2])
}

init {
    atomic { run other(1); run other(2) }
}
