/* How a core that is slow to prepare itself is given up: the boot core and one other. One of them comes first to
 * `CoreState.isStarted`, which both exchange. An INIT may come too late, or be held back (VMX root operation), and then the
 * core goes on.
 *
 * Each `--` names the place in Sources/Metal/Hypervisor that a step stands for; see partition.pml.
 */
bool isStarted = false;       /* CoreState.isStarted */
bool mayRun = false;          /* CoreState.mayRun */
bool isGivenUp = false;       /* giveUp: its partition does not start */
bool isParked = false;
bool runs = false;

/* -- Core/PrepareCore.swift, coreMain */
active proctype core() {
    bool wasStarted;
#ifdef START_WITHOUT_EXCHANGE
    isStarted = true;
#else
    atomic { wasStarted = isStarted; isStarted = true };
    if :: wasStarted -> isParked = true; goto end :: else fi;
#endif
    mayRun;
    runs = true;
end: skip
}

/* -- Core/StartCores.swift, startCores, giveUp; Core/LeaveBoot.swift, mayRun */
active proctype bootCore() {
    bool hasCome;
    /* It waits for ten seconds. */
    if
    :: isStarted
    :: !isStarted ->
#ifdef GIVE_UP_WITHOUT_EXCHANGE
        hasCome = false;
#else
        atomic { hasCome = isStarted; isStarted = true };
#endif
        if :: !hasCome -> isGivenUp = true :: else fi
    fi;
    mayRun = true
}

/* It runs or is given up, never both. */
active proctype quiet() {
    timeout -> assert(runs != isGivenUp && isParked != runs)
}
