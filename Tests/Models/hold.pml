/* How resets of physical functions wait for the owners of their virtual functions: two partitions, each of which owns a
 * physical function and a virtual function of the other's, and the housekeeping core between them.
 *
 * Each `--` names the place in Sources/Metal/Hypervisor that a step stands for, see partition.pml; `Tests/Models/run` checks
 * the model, then every variant in which one step is left out (the #ifdefs): each of these must fail. All words are written by
 * locked instructions, so that no store waits in a buffer.
 * -- Partition/FunctionHold.swift, sequentiallyConsistent
 *
 * A wait has a limit of five seconds: behind it, a physical function is reset under a guest that runs. That guest was asked to
 * stand still, and does so all the same before anybody goes on with functions that are gone.
 * -- VCPU/ResetFunctions.swift, stopDependents
 *
 * Who stands still waits no longer than 25 seconds for one reset: whoever takes longer has lost its core, or comes back late.
 * Behind that limit the others go on by their own functions, which answer or are lost. Who comes back late is not granted what
 * it wanted; its own five seconds are over, so it resets under those that went on, who are not asked again for that reset.
 * The next one is waited for as any other.
 * -- Partition/FunctionHold.swift, limit; Management/MachineBackend.swift, relayHolds
 */
#define FREE 0
#define ASKED 1
#define HELD 2
#define HOUSEKEEPING 2

/* FunctionState */
#define READY 0
#define AWAY 1
#define LOST 2

byte wanted[2];               /* FunctionHold.wanted */
byte granted[2];              /* FunctionHold.granted */
byte state[2] = FREE;         /* FunctionHold.state */
byte functions[2] = READY;    /* VCPURunner.functionState */
bool isBack[2] = true;        /* all came back from their resets since they were taken back */
bool isArmed[2];              /* the virtual function may write to memory on its own */
bool kicked[3];               /* an NMI waits; several are one */
bool running[2];              /* a guest runs, and reaches for its functions */
bool reaching[2];             /* so does a reset of the virtual function, for a moment */
bool resetting[2];            /* the physical function is being reset */
bool isLate[2];               /* it is reset though the other guest does not stop */
bool isTorn[2];               /* it was, and the virtual function was not since */
bool crashed[2];              /* no guest is to start */
bool deaf[2];                 /* a core of the partition is lost */
bool absent[2];               /* its boot vCPU's core is */
bool isGone[2];               /* that core was lost in the middle of a reset, and never comes back */
bool isOverdue[2];            /* what it wants, it has wanted for longer than the limit */
byte ends = 0;                /* guests that end by themselves are bounded */
byte faults = 0;              /* so are what goes wrong */

#ifndef MOST_ENDS
#define MOST_ENDS 2
#endif

#define KICK(core) kicked[core] = true
#define SLEEP(core) atomic { kicked[core] -> kicked[core] = false }

/* -- Partition/ControlPage.swift, isHeld; VCPU/ResetFunctions.swift, mustStandStill */
#ifdef ACKNOWLEDGE_WITHOUT_KICK
#define KICK_ACKNOWLEDGED skip
#else
#define KICK_ACKNOWLEDGED KICK(HOUSEKEEPING)
#endif
#ifdef LOST_BECOMES_AWAY
#define NOTE_HOLD(me) functions[me] = (isHeld -> AWAY : functions[me])
#else
#define NOTE_HOLD(me) functions[me] = (isHeld && functions[me] == READY -> AWAY : functions[me])
#endif
inline lookWhetherHeld(me, isHeld) {
    if
    :: atomic { state[me] == ASKED -> state[me] = HELD; isHeld = true; NOTE_HOLD(me) }; KICK_ACKNOWLEDGED
    :: atomic { state[me] != ASKED -> isHeld = (state[me] == HELD); NOTE_HOLD(me) }
    fi
}

/* Nobody reaches for what it has a virtual function of while that one's physical function is reset, but for who was waited for
 * in vain. */
#define ASSERT_APART(owner) \
    assert(!((running[1 - (owner)] || reaching[1 - (owner)]) && resetting[owner] && !isLate[owner]))
inline reach(me) {
    atomic { reaching[me] = true; ASSERT_APART(1 - me); reaching[me] = false }
}

/* -- PCI/PartitionFunctions.swift, reset, restore: of virtual functions, not while another resets their physical one. */
inline resetVirtual(me) { reach(me); isArmed[me] = false; isTorn[me] = false }
inline restoreVirtual(me) {
    if
#ifndef RESTORE_WHILE_HELD
    :: functions[me] == AWAY -> skip
#endif
    :: else -> reach(me)
    fi;
    if
    :: atomic { faults < 1 -> faults++; isBack[me] = false; functions[me] = LOST }
    /* Nobody has enabled them again yet, or ever will. */
    :: atomic { (isGone[1 - me] || resetting[1 - me]) && functions[me] == READY -> isBack[me] = false; functions[me] = LOST }
    :: skip
    fi
}

/* -- Partition/FunctionHold.swift, begin and end; Partition/ControlPage.swift, beginReset and endReset */
#ifdef FAULT_LOSES_COUNT
#define BEGIN(me) atomic { wanted[me]++; isOverdue[me] = false }
#define END(me) atomic { wanted[me]++; isOverdue[me] = false }
#else
#define BEGIN(me) atomic { wanted[me] = (wanted[me] + 1) | 1; isOverdue[me] = false }
#define END(me) atomic { wanted[me] = ((wanted[me] + 1) / 2) * 2; isOverdue[me] = false }
#endif
#ifdef END_WITHOUT_KICK
#define END_RESET(me) END(me)
#else
#define END_RESET(me) END(me); KICK(HOUSEKEEPING)
#endif

/* -- Crash/HypervisorFault.swift, leaveGuest: the boot vCPU's core begins anew. */
#define FAULT(target) atomic { faults < 1 -> faults++ }; goto target

/* The reset is over, or stays undone. Who is asked or stands still then resets its functions before it runs; who was let go on
 * behind the limit may run without them. */
#define QUIT_RESET(me) \
    isTorn[1 - (me)] = isTorn[1 - (me)] || (isLate[me] || isGone[me]) && resetting[me] && state[1 - (me)] != FREE; \
    resetting[me] = false; \
    isLate[me] = false
/* -- VCPU/ResetFunctions.swift, losesCore: the core is lost. */
#define LOSE(target) atomic { faults < 1 -> faults++; isGone[me] = true; QUIT_RESET(me) }; goto target

proctype bootVCPU(byte me) {
    bool isHeld, isRecovering;
    do
    /* -- VCPU/ResetFunctions.swift, mayStart */
    :: lookWhetherHeld(me, isHeld);
#ifdef START_WITHOUT_LOOK
       isHeld = false;
#endif
       if
       :: isHeld || crashed[me] -> SLEEP(me)
       :: else ->
          if
          /* -- VCPU/ResetFunctions.swift, resetFunctions, keepsPhysical: virtual functions alone; it looks once more behind that */
          :: functions[me] == AWAY -> 
             functions[me] = READY;
#ifndef GO_ON_WITHOUT_RESET
             resetVirtual(me);
#endif
             restoreVirtual(me); lookWhetherHeld(me, isHeld)
          /* -- VCPU/BootVCPU.swift, takeBack: a manager may try again, which is left out; so is that it is tried once more before. */
          :: functions[me] == LOST -> crashed[me] = true
          :: functions[me] == READY ->
             assert(isBack[me] && (!isTorn[me] || state[me] == ASKED));
             atomic { running[me] = true; isArmed[me] = true; ASSERT_APART(1 - me) };
             /* -- VCPU/VCPURunner.swift, runGuest and takeRequest: a kick is waiting when it begins, or ends the run */
             do
             :: state[me] == ASKED -> break
             :: atomic { state[me] != ASKED && ends < MOST_ENDS -> ends++ }; break
             :: SLEEP(me)
             od;
             running[me] = false;
takeBack:
             isBack[me] = true;
#ifdef RECOVER_WITHOUT_LOOK
             functions[me] = READY;
#else
             functions[me] = (state[me] == HELD -> AWAY : READY);
#endif
#ifndef RESET_VIRTUAL_LAST
             if :: functions[me] == READY -> resetVirtual(me) :: else fi;
#endif
             /* -- VCPU/ResetFunctions.swift, stopDependents */
             BEGIN(me);
             /* Ends do not go on causing ends: each takes at most the other guest along. */
             assert(wanted[me] < 4 * MOST_ENDS + 2);
#ifndef BEGIN_WITHOUT_KICK
             KICK(HOUSEKEEPING);
#endif
#ifndef RESET_WITHOUT_WAIT
             do
             :: atomic { granted[me] == wanted[me] -> resetting[me] = true }; break
             :: deaf[1 - me] || isGone[1 - me] -> break
             :: atomic { state[1 - me] == ASKED && faults < 1 -> faults++; isLate[me] = true }; break
             /* Its own five seconds are over too. */
             :: atomic { isOverdue[me] -> isLate[me] = true }; break
             :: FAULT(recover)
             :: LOSE(gone)
#ifndef WAIT_WITHOUT_LOOK
             :: state[me] == ASKED -> lookWhetherHeld(me, isHeld)
#endif
             od;
#endif
             atomic { resetting[me] = true; if :: deaf[1 - me] -> skip :: else -> ASSERT_APART(me) fi };
             if :: FAULT(recover) :: LOSE(gone) :: skip fi;
#ifdef RESET_VIRTUAL_LAST
             if :: functions[me] == READY -> resetVirtual(me) :: else fi;
#endif
             restoreVirtual(me);
             atomic { QUIT_RESET(me) };
             if :: LOSE(gone) :: skip fi;
             END_RESET(me);
             lookWhetherHeld(me, isHeld);
             /* Memory is cleared here. */
             assert(!isArmed[me]);
             if :: isRecovering -> crashed[me] = true :: else fi
          fi
       fi
    od;
recover:
    /* -- VCPU/BootVCPU.swift, runBootVCPU, recovering: another core of the partition may be lost as well, and nothing is taken
     * back. Who is crashed is not started again here, but stands still when it is asked to. */
    atomic { QUIT_RESET(me) };
    if
    :: isRecovering = true; goto takeBack
    :: deaf[me] = true;
       crashed[me] = true;
#ifndef RECOVER_WITHOUT_END
       END_RESET(me)
#endif
    fi;
gone:
    false
}

/* -- Management/MachineBackend.swift, relayHolds: who stands still is looked up before who wants to reset: who was made to
 * stand still wants to reset too, and says so before it stands. */
inline hold(i, isWanted) {
    changed = false;
    atomic {
        if
        :: (isWanted) && state[i] == FREE -> state[i] = ASKED; changed = true
        :: !(isWanted) && state[i] == HELD -> state[i] = FREE; changed = true
#ifdef LIMIT_FORGETS_ASKED
        :: !(isWanted) && state[i] == ASKED -> state[i] = FREE; changed = true
#endif
        :: else
        fi
    };
#ifndef RELAY_WITHOUT_KICK
    if :: changed -> KICK(i) :: else fi
#endif
}

#ifdef WAIT_FOR_ABSENT
#define STANDS(i) (state[i] == HELD)
#else
#define STANDS(i) (state[i] == HELD || absent[i])
#endif
#ifdef WISH_WITHOUT_LIMIT
#define IS_OVER(i) false
#else
#define IS_OVER(i) isOver[i]
#endif
/* -- Management/MachineBackend.swift, number and since: the limit is one number's. Behind it the other is to go on: whoever is in
 * its reset is late from here on, which nobody is who ends in time. */
inline look(i) {
    atomic {
        if
        :: wants[i] != wanted[i] ->
           wants[i] = wanted[i];
#ifdef LIMIT_UNTIL_EVEN
           isOver[i] = isOver[i] && wants[i] % 2 == 1
#else
#ifndef LIMIT_FOR_NEXT
           isOver[i] = false
#endif
#endif
        :: else
        fi;
        if
        :: IS_OVER(i) ->
#ifdef LIMIT_ENDS_WISH
           END(i);
           wants[i] = wanted[i];
           isOver[i] = false;
#endif
#ifndef LIMIT_WITHIN_RESET
           isLate[i] = isLate[i] || resetting[i];
#endif
           /* Before the other is let go on: who is late reads no grant from here on. */
#ifndef LIMIT_STILL_GRANTED
#ifndef LIMIT_GRANTED_MEANWHILE
           granted[i] = 0
#else
           skip
#endif
#else
           skip
#endif
        :: else
        fi
    }
}
#ifdef GRANT_WITHOUT_WANTED
#define GRANTED(i) (IS_OVER(i) -> 0 : wanted[i])
#else
#ifdef LIMIT_STILL_GRANTED
#define GRANTED(i) wants[i]
#else
#define GRANTED(i) (IS_OVER(i) -> 0 : wants[i])
#endif
#endif
/* -- Management/Housekeeping.swift, serve; Core/RunCore.swift, startTicking: a turn comes without a kick. */
#ifdef LIMIT_WITHOUT_TURN
#define KICK_BY_TIMER skip
#else
#define KICK_BY_TIMER KICK(HOUSEKEEPING)
#endif
/* -- Partition/FunctionHold.swift, limit: it passes for who is lost and, as a fault, for who is late. */
#define PASS_LIMIT(i) \
    atomic { \
        wants[i] % 2 == 1 && wants[i] == wanted[i] && !isOver[i] && (isGone[i] || faults < 1) -> \
        faults = (isGone[i] -> faults : faults + 1); \
        isOver[i] = true; \
        isOverdue[i] = true; \
        KICK_BY_TIMER \
    }
proctype housekeeping() {
    bool held[2], changed, isOver[2];
    byte wants[2];
    do
    :: PASS_LIMIT(0)
    :: PASS_LIMIT(1)
    :: SLEEP(HOUSEKEEPING);
#ifdef RELAY_WITHOUT_ORDER
       look(0); look(1);
       held[0] = STANDS(0); held[1] = STANDS(1);
#else
       held[0] = STANDS(0); held[1] = STANDS(1);
       look(0); look(1);
#endif
       hold(0, (wants[1] % 2 == 1 && !IS_OVER(1)));
       hold(1, (wants[0] % 2 == 1 && !IS_OVER(0)));
#ifdef GRANT_WITHOUT_HELD
       held[0] = true; held[1] = true;
#endif
       if :: held[1] -> granted[0] = GRANTED(0) :: else fi;
       if :: held[0] -> granted[1] = GRANTED(1) :: else fi
    od
}

/* When nothing happens any more, both run, but for one that may not, and with functions that are there: nobody waits for ever,
 * for one that is lost neither. */
active proctype goesOn() {
    timeout ->
    assert((running[0] || crashed[0] || isGone[0]) && (running[1] || crashed[1] || isGone[1]));
    assert((!isGone[0] || running[1] || !isBack[1]) && (!isGone[1] || running[0] || !isBack[0]));
    assert(!(running[0] && isTorn[0]) && !(running[1] && isTorn[1]))
}

init {
    atomic {
        run housekeeping();
        run bootVCPU(0);
        /* -- Core/StartCores.swift, giveUp */
        if :: faults++; absent[1] = true; crashed[1] = true :: run bootVCPU(1) fi
    }
}
