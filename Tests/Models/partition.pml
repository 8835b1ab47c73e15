/* How the cores of one partition and the core that answers managers work together: orders, signals, kicks, the cause of an
 * end, active flags, teardown, restart, pause and faults. One boot vCPU (core 0), one secondary vCPU (core 1), a manager.
 *
 * Each `--` names the place in Sources/Metal/Hypervisor, or else in Sources/Metal, that a step stands for: its file, and
 * names in that file, which a test looks up (ModelCitationTests). `Tests/Models/run` checks the model, then every variant in
 * which one fence, one second look or one kick is left out (the #ifdefs): each of these must fail, so that nothing here is
 * there for nothing and the model could find its absence in the code.
 *
 * Memory is that of x86: a plain store may wait in its core's store buffer while later loads, and writes to an x2APIC's
 * command register, go ahead (Intel SDM volume 3A, sections 9.2.3.2 and 11.12.3). Stores that the code makes
 * `.sequentiallyConsistent` are locked instructions: they are seen at once, and so is what their core stored before. Variables
 * that are stored otherwise, or whose fence can be left out, have a buffer (`Buf`, `Late`), which `drain` empties at any later
 * moment.
 *
 * A kick is an NMI. It is held while the core is in root mode (GIF is clear, or the flag GUEST_KICKED is set) and ends a guest's
 * run or a sleep; several that wait are one. Scrubbing a core takes what waits, kicks too.
 * -- Silicon/kick.S, svm_idle, vmx_idle, nmi_stub
 */
#define NONE 0
#define START 1
#define STOP 2
#define PAUSE 3
#define RESUME 4
#define RESTART 5

#define RUN 0
#define PAUSED 1
#define STOPPED 2

#define NO_SIGNAL 0
#define INIT 1
#define SIPI 2

byte request = NONE;          /* ControlPage.request */
byte order = STOPPED;           /* PartitionContext.order */
byte startUp = NO_SIGNAL;       /* VCPUSignals.startUp of vCPU 1 */
byte sipiGuest = 0;           /* which guest sent it */
bool nmi = false;             /* VCPUSignals.nmi of vCPU 1, stored by core 0 with no lock */
bool isActive = true;           /* VCPUSignals.isActive of vCPU 1: until its core has come it may be anywhere */
bool isClean = false;           /* VCPURunner.isClean: memory is cleared, and no vCPU uses it */
byte losses = 0;                /* how often a core was waited for in vain */
bool paused[2];              /* VCPUSignals: the vCPU has stopped for a pause and its clock stands */
bool ending = false;          /* PartitionContext.endCause: the guest must end */
bool isPaused = false;        /* ControlPage.state is paused: managers see it */
bool isTaken = false;         /* a pause was taken and is not to be seen yet */
bool isHeld = false;          /* FunctionHold: the start has to wait */

bool kicked[2];               /* an NMI waits */
bool inGuest[2];
byte guest = 0;               /* the number of the guest, 0 or 1 by turns */
byte ran = 0;                 /* which guest vCPU 1 runs */
byte actions = 0;             /* what guests and managers do beside running is bounded */
byte faults = 0;

/* Store buffers: core 0's, which a fence or a locked store empties, and core 1's. */
bool orderLate = false; byte orderBuf;
bool nmiLate = false; bool nmiBuf;
bool activeLate = false; bool activeBuf;

#define STORE_NMI(x) atomic { nmiBuf = x; nmiLate = true }
#define EMPTY_NMI nmi = (nmiLate -> nmiBuf : nmi); nmiLate = false

/* A kick has a fence of its own, which brings an order to light as well. The lock is needed where nobody is kicked, and the
 * variant leaves out both. */
#ifdef ORDER_WITHOUT_FENCE
#define STORE_ORDER(x) atomic { orderBuf = x; orderLate = true }
#define OWN_ORDER (orderLate -> orderBuf : order)
#else
#define STORE_ORDER(x) atomic { EMPTY_NMI; order = x }
#define OWN_ORDER order
#endif
#ifdef ACTIVE_WITHOUT_FENCE
#define STORE_ACTIVE(x) atomic { activeBuf = x; activeLate = true }
#else
#define STORE_ACTIVE(x) isActive = x
#endif

/* -- Core/LocalAPIC.swift, kick, send: core 0 kicks core 1. Who kicks core 0 has stored all before by locked instructions. */
#ifdef KICK_WITHOUT_FENCE
#define KICK_1 kicked[1] = true
#else
#define KICK_1 atomic { EMPTY_NMI; kicked[1] = true }
#endif
#define KICK_0 kicked[0] = true
#define KICK(core) KICK_##core
#define AWAIT_KICK(core) atomic { kicked[core] -> kicked[core] = false }
/* -- Silicon/exceptions.S, common: a machine check that is borne comes between the look and the HLT, and a kick while it is
 * handled is taken with it; the way back leads to whoever looks. */
#ifdef CHECK_WITHOUT_REDIRECT
#define AFTER_CHECK(core) AWAIT_KICK(core)
#else
#define AFTER_CHECK(core) skip
#endif
#define SLEEP(core) \
    if \
    :: AWAIT_KICK(core) \
    :: atomic { faults < 1 -> faults++; kicked[core] = false }; AFTER_CHECK(core) \
    fi
/* -- Exits/HandleExit.swift, hostInterrupt: a system management interrupt, or one of the core's own. GIF is set for a
 * moment, in which a kick is taken too. */
#define SMI(core) atomic { faults < 1 -> faults++; inGuest[core] = false; kicked[core] = false }
/* -- Core/LocalAPIC.swift, reset: takes every interrupt that waits, and so a kick, by SVM's and VMX's windows. */
#define SCRUB(core) kicked[core] = false

#ifndef MOST_ACTIONS
#define MOST_ACTIONS 3
#endif

proctype drain() {
end: do
    :: atomic { orderLate -> order = orderBuf; orderLate = false }
    :: atomic { nmiLate -> EMPTY_NMI }
    :: atomic { activeLate -> isActive = activeBuf; activeLate = false }
    od
}

/* -- Management/MachineBackend.swift, request: put where none is, then the core of the boot vCPU is kicked. */
proctype manager() {
    byte wanted;
    bool taken, isFirst;
    do
    :: actions < MOST_ACTIONS ->
        if
        :: wanted = START :: wanted = STOP :: wanted = PAUSE :: wanted = RESUME :: wanted = RESTART
        fi;
        atomic {
            taken = (request == NONE);
            isFirst = taken && wanted == PAUSE && !isPaused && !isTaken;
            if :: taken -> request = wanted; actions++ :: else fi
        };
#ifndef REQUEST_WITHOUT_KICK
        if :: taken -> KICK(0) :: else fi
#endif
        /* Who sees what he asked for may ask for the next. */
        if :: atomic { isFirst && isPaused -> assert(request == NONE) } :: true fi
    :: break
    od
}

/* -- VCPU/BootVCPU.swift, takeBack: waits for the other vCPU to be out, then clears the guest's memory; a core that does not come
 * out in time is lost, and all stays as it is. */
inline takeBack(first) {
    isClean = false;
    if
    :: !isActive ->                  /* PartitionContext.firstActive */
        ending = false; startUp = NO_SIGNAL; paused[1] = false;
        atomic { if :: nmi || nmiLate -> STORE_NMI(false) :: else fi };
        /* Memory is cleared here. */
        assert(!inGuest[0] && !inGuest[1]);
        guest = 1 - guest;
        isClean = true
#ifdef LOST_WITHOUT_LOOK
    :: first == false && losses > 0 -> assert(!inGuest[1]); isClean = true
#endif
    :: losses < 1 -> losses++
    fi
}

/* -- VCPU/BootVCPU.swift, teardown: closes the order first. */
inline teardown() {
    STORE_ORDER(STOPPED);
#ifndef TEARDOWN_WITHOUT_KICK
    KICK(1);
#endif
    takeBack(true)
}

proctype boot() {
    bool starting = true, isStopped = false;
    byte taken;
    takeBack(true);
    if :: !isClean -> starting = false :: else fi;
    do
    :: !starting ->
        /* -- VCPU/BootVCPU.swift, runBootVCPU: waits for a request to start, asleep while there is none. */
        atomic { taken = request; request = NONE };
        if
        :: taken == START || taken == RESTART -> starting = true; isStopped = false
        :: else ->
#ifdef SLEEP_WITHOUT_LOOK
            SLEEP(0); SLEEP(0)
#else
            SLEEP(0)
#endif
        fi
    :: starting && !isClean ->
        /* -- VCPU/ResetFunctions.swift, mayStart: a core that was lost is looked for again. */
        takeBack(false);
        if :: !isClean -> starting = false :: else fi
    :: starting && isClean && isHeld ->
        /* -- VCPU/BootVCPU.swift, runBootVCPU: a manager may stop what waits to start. */
        atomic { taken = request; request = NONE };
        if
        :: taken == STOP -> isStopped = true;
#ifndef HELD_WITHOUT_STOP
            starting = false
#endif
        :: taken == START || taken == RESTART -> isStopped = false
        :: else -> SLEEP(0)
        fi
    :: starting && isClean && !isHeld ->
        assert(!isStopped);
        SCRUB(0);
        isClean = false;
        ending = false; paused[0] = false;
        STORE_ORDER(RUN);
        /* -- VCPU/VCPURunner.swift, runGuest: looks before it enters the guest, as the scrub may have taken a kick. */
#ifndef NO_FIRST_LOOK
        goto look;
#endif
enter:
        assert(!inGuest[0]);
        inGuest[0] = true;
        do
        /* -- Exits/InterruptCommands.swift, sendInterrupt, post: the guest sends INIT, a start-up IPI or an NMI to the other vCPU. */
        :: actions < MOST_ACTIONS -> actions++;
            inGuest[0] = false;
            if
            :: startUp = INIT; KICK(1)
            :: !isActive || startUp == INIT ->
                atomic { startUp = SIPI; sipiGuest = guest };
#ifndef SIPI_WITHOUT_KICK
                KICK(1)
#endif
            :: STORE_NMI(true);
#ifndef NMI_WITHOUT_KICK
                KICK(1)
#endif
            /* The guest ends by itself: power-off, triple fault. */
            :: goto ended
            /* -- Crash/HypervisorFault.swift, hypervisorFault: on this core, which starts anew and tears down. */
            :: faults < 1 -> faults++; ending = true; goto ended
            fi;
            inGuest[0] = true
        :: atomic { kicked[0] -> kicked[0] = false; inGuest[0] = false } -> break
#ifdef SMI_WITHOUT_LOOK
        :: SMI(0); inGuest[0] = true
#else
        :: SMI(0); break
#endif
        od;
look:
        do
        :: ending -> goto ended
        :: !ending ->
            if
            :: request == STOP || request == RESTART -> goto ended
            :: request == PAUSE ->
#ifndef PAUSE_TAKEN_LATE
                atomic { request = NONE; isTaken = true };
                STORE_ORDER(PAUSED);
                atomic { isPaused = true; isTaken = false };
#else
                STORE_ORDER(PAUSED); isPaused = true; request = NONE;
#endif
#ifndef PAUSE_WITHOUT_KICK
                KICK(1)
#endif
            :: request == RESUME ->
                request = NONE;
                /* -- VCPU/VCPURunner.swift, takeRequest: only what is paused is resumed; a manager's second request may be late. */
#ifndef RESUME_WITHOUT_LOOK
                if :: isPaused ->
#else
                if :: true ->
#endif
                    /* -- Partition/PartitionContext.swift, resumeClock: every active vCPU is paused. */
                    if
                    :: !isActive || paused[1] || ending
                    :: losses < 1 -> losses++; ending = true     /* it was waited for in vain */
                    fi;
#ifndef RESUME_WITHOUT_END
                    if :: ending -> goto ended :: else fi;
#endif
                    STORE_ORDER(RUN);
                    isPaused = false
                :: else
                fi;
#ifndef RESUME_WITHOUT_KICK
                KICK(1)
#endif
            :: request == START -> request = NONE
            :: request == NONE -> skip
            fi;
            if
            :: OWN_ORDER == PAUSED -> paused[0] = true; SLEEP(0)
            :: else -> paused[0] = false; break
            fi
        od;
        goto enter;
ended:
        isPaused = false;
        inGuest[0] = false;
        teardown();
        SCRUB(0);
        /* -- VCPU/BootVCPU.swift, applyLifecyclePolicy: a request that came meanwhile counts, else the manifest's policy. */
        atomic { taken = request; request = NONE };
        if
        :: !isClean -> starting = false
        :: isClean && taken == RESTART -> starting = true
        :: isClean && taken == STOP -> starting = false
        :: else -> if :: starting = true :: starting = false fi
        fi
    od
}

proctype secondary() {
    byte signal; byte from; byte seen;
again:
    SCRUB(1);
    do
    :: STORE_ACTIVE(false);
        atomic { signal = startUp; from = sipiGuest };
        if
        :: signal == SIPI ->
            if :: order == RUN :: order != RUN -> SLEEP(1); goto next fi
        :: else -> SLEEP(1); goto next
        fi;
        STORE_ACTIVE(true);
        /* -- VCPU/SecondaryVCPU.swift, runSecondaryVCPU: the boot vCPU's core gives its order first and looks at isActive then. */
#ifndef NO_SECOND_LOOK
        if :: order == STOPPED -> goto next :: else fi;
#endif
        /* -- VCPU/SecondaryVCPU.swift, runSecondaryVCPU: takes the start-up IPI only if it is still there; that of a guest that has
         * ended is not. An INIT takes NMIs that wait with it. */
#ifdef STALE_SIPI
        atomic { if :: startUp == signal -> startUp = NO_SIGNAL :: else fi };
#else
        atomic { seen = startUp; if :: seen == signal -> startUp = NO_SIGNAL; from = sipiGuest :: else fi };
        if :: seen != signal -> goto next :: else fi;
#endif
        ran = from;
        nmi = false;
        SCRUB(1);
#ifdef NO_FIRST_LOOK
        goto enter;
#endif
look:
        do
        :: order == STOPPED -> goto out
        :: order == PAUSED -> paused[1] = true; SLEEP(1)
        :: order == RUN ->
            /* A pause that begins now has its kick wait: the guest is left before its first instruction. */
            paused[1] = false;
            break
        od;
        if :: startUp != NO_SIGNAL -> goto out :: else fi;
        nmi = false;                /* takes the guest's NMI, if there is one */
enter:
        /* No vCPU runs in a guest that did not start it. */
        assert(ran == guest);
        inGuest[1] = true;
        do
        :: atomic { kicked[1] -> kicked[1] = false; inGuest[1] = false } -> goto look
#ifdef SMI_WITHOUT_LOOK
        :: SMI(1); inGuest[1] = true
#else
        :: SMI(1); goto look
#endif
        :: actions < MOST_ACTIONS -> actions++;
            inGuest[1] = false;
            if
            /* -- VCPU/SecondaryVCPU.swift, runOnce; Crash/HypervisorFault.swift, hypervisorFault: a violation; a fault on this core. The
             * partition ends. */
            :: ending = true;
#ifndef END_WITHOUT_KICK
                KICK(0);
#endif
                goto out
            :: faults < 1 -> faults++; ending = true; KICK(0); goto again
            fi
        od;
out:
        SCRUB(1);
next:   skip
    od
}

/* -- VCPU/ResetFunctions.swift, mustStandStill: for once. */
proctype holder() {
    atomic { faults < 1 -> faults++; isHeld = true };
    isHeld = false;
    KICK(0)
}

/* When nobody can go on, nothing may be left undone: that would be a wake-up lost. */
proctype quiet() {
    timeout ->
    assert(request == NONE);
    assert(!ending || order == STOPPED);
    assert(!(order == STOPPED && inGuest[1]));
    assert(!(order == PAUSED && (inGuest[0] || inGuest[1])));
    assert(!(order == RUN && isActive && (startUp != NO_SIGNAL || nmi)));
    assert(!(order == RUN && !isActive && startUp == SIPI));
    assert(!(order == RUN && isActive && !inGuest[1]))
}

init {
    atomic { run boot(); run secondary(); run manager(); run drain(); run holder(); run quiet() }
}
