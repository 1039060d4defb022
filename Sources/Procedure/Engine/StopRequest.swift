/// How urgently a run is asked to stop.
package enum StopRequest: Hashable, Sendable {
    case none
    /// At the next place where it may rest; without a reason it is the operator who asks.
    case atRestingPlace(because: String? = nil)
    /// Where it is, asked by the operator. What is under way on the hosts goes on to its end.
    case now
}
