/// One instruction of the guest that is let run by itself, under the trap flag.
struct SingleStep {
    var isActive = false
    /// The guest's own flags that the step has changed.
    var flags: UInt64 = 0
    /// Whether it is an IRET, which loads the flags, or no instruction but the delivery of an event, which saves them.
    var isReturn = false
    var isDelivery = false
    /// Whether the latest exit was the trap behind it.
    var isDone = false
}
