/// How urgently the operator asked a run to stop.
package enum StopRequest: Hashable, Sendable {
    case none
    /// At the next place where it may rest.
    case atRestingPlace
    /// Where it is. What is under way on the hosts goes on to its end.
    case now
}
