/* How resets of physical functions wait for the owners of their virtual functions: two partitions, each of which owns a
 * physical function and a virtual function of the other's, and the housekeeping core between them.
 *
 * Each `--` names the place in Sources/Metal/Hypervisor that a step stands for; `Tests/Models/run` checks the model, then
 * every variant in which one step is left out (the #ifdefs): each of these must fail. All words are written by locked
 * instructions (Partition/FunctionHold.swift: `.sequentiallyConsistent`), so that no store waits in a buffer.
 *
 * The limit of five seconds on a wait is left out: behind it, a physical function is reset under a guest that runs.
 */
#define FREE 0
#define ASKED 1
#define HELD 2
#define HOUSEKEEPING 2

byte wanted[2];               /* FunctionHold.wanted */
byte granted[2];              /* FunctionHold.granted */
byte state[2] = FREE;         /* FunctionHold.state */
bool kicked[3];               /* an NMI waits; several are one */
bool running[2];              /* a guest runs, and reaches for its functions */
bool resetting[2];            /* the physical function is being reset */
byte ends = 0;                /* guests that end by themselves are bounded */

#ifndef MOST_ENDS
#define MOST_ENDS 2
#endif

#define KICK(core) kicked[core] = true
#define SLEEP(core) atomic { kicked[core] -> kicked[core] = false }

/* -- Partition/ControlPage.swift, isHeld */
#ifdef ACKNOWLEDGE_WITHOUT_KICK
#define KICK_ACKNOWLEDGED skip
#else
#define KICK_ACKNOWLEDGED KICK(HOUSEKEEPING)
#endif
inline lookWhetherHeld(me, isHeld) {
    isHeld = false;
    atomic { if :: state[me] == ASKED -> state[me] = HELD; isHeld = true :: else fi };
    if :: isHeld -> KICK_ACKNOWLEDGED :: else -> isHeld = (state[me] == HELD) fi
}

proctype bootVCPU(byte me) {
    bool isHeld, isAway;
    do
    /* -- VCPU/ResetFunctions.swift, mayStart */
    :: lookWhetherHeld(me, isHeld);
#ifdef START_WITHOUT_LOOK
       isHeld = false;
#endif
       if
       :: isHeld -> isAway = true; SLEEP(me)
       :: else ->
          if
          /* -- resetFunctions(keepsPhysical: true): virtual functions alone; it looks once more behind that */
          :: isAway -> isAway = false; lookWhetherHeld(me, isHeld); if :: isHeld -> isAway = true :: else fi
          :: else ->
             running[me] = true;
             /* -- VCPU/VCPURunner.swift, runGuest and takeRequest: a kick is waiting when it begins, or ends the run */
             do
             :: state[me] == ASKED -> break
             :: atomic { state[me] != ASKED && ends < MOST_ENDS -> ends++ }; break
             :: SLEEP(me)
             od;
             running[me] = false;
             /* -- stopDependents */
             wanted[me]++;
             /* Ends do not go on causing ends: each takes at most the other guest along. */
             assert(wanted[me] < 4 * MOST_ENDS);
#ifndef BEGIN_WITHOUT_KICK
             KICK(HOUSEKEEPING);
#endif
#ifndef RESET_WITHOUT_WAIT
             do
             :: granted[me] == wanted[me] -> break
#ifndef WAIT_WITHOUT_LOOK
             :: state[me] == ASKED -> lookWhetherHeld(me, isHeld); isAway = isAway || isHeld
#endif
             od;
#endif
             resetting[me] = true;
             resetting[me] = false;
             wanted[me]++;
#ifndef END_WITHOUT_KICK
             KICK(HOUSEKEEPING);
#endif
             lookWhetherHeld(me, isHeld);
             isAway = isAway || isHeld
          fi
       fi
    od
}

/* -- Management/MachineBackend.swift, relayHolds. Who stands still is looked up before who wants to reset: who was made to
 * stand still wants to reset too, and says so before it stands. */
inline hold(i, isWanted) {
    changed = false;
    atomic {
        if
        :: (isWanted) && state[i] == FREE -> state[i] = ASKED; changed = true
        :: !(isWanted) && state[i] == HELD -> state[i] = FREE; changed = true
        :: else
        fi
    };
#ifndef RELAY_WITHOUT_KICK
    if :: changed -> KICK(i) :: else fi
#endif
}

proctype housekeeping() {
    bool held[2], changed;
    byte wants[2];
    do
    :: SLEEP(HOUSEKEEPING);
#ifdef RELAY_WITHOUT_ORDER
       wants[0] = wanted[0]; wants[1] = wanted[1];
       held[0] = (state[0] == HELD); held[1] = (state[1] == HELD);
#else
       held[0] = (state[0] == HELD); held[1] = (state[1] == HELD);
       wants[0] = wanted[0]; wants[1] = wanted[1];
#endif
       hold(0, (wants[1] % 2 == 1));
       hold(1, (wants[0] % 2 == 1));
#ifdef GRANT_WITHOUT_HELD
       held[0] = true; held[1] = true;
#endif
#ifdef GRANT_WITHOUT_WANTED
       wants[0] = wanted[0]; wants[1] = wanted[1];
#endif
       if :: held[1] -> granted[0] = wants[0] :: else fi;
       if :: held[0] -> granted[1] = wants[1] :: else fi
    od
}

/* Nobody runs while what it has a virtual function of is reset. */
active proctype apart() {
    assert(!(running[0] && resetting[1]) && !(running[1] && resetting[0]))
}

/* When nothing happens any more, both run. */
active proctype goesOn() {
    timeout -> assert(running[0] && running[1])
}

init { atomic { run housekeeping(); run bootVCPU(0); run bootVCPU(1) } }
