import ControlProtocol
import SystemCalls

extension CommandIntake {
    enum ChainAnswer {
        case kept(state: ChainState)
        case refused(refusal: Refusal)
    }

    /// Keeps entries of the run whose lease is in force; waits for no command.
    ///
    /// One decision with leases: once a newer lease is granted, nothing more is kept for an older one.
    func keep(_ request: ChainRequest, by caller: Caller) async throws(AgentServerError) -> ChainAnswer {
        await changes.acquire()
        defer { changes.release() }
        var judge = keeper
        let event = LeaseKeeper.Event.commanded(lease: request.lease, by: caller.name)
        if case .refuse(let refusal) = judge.handle(event, at: clock.now()) {
            return .refused(refusal: refusal)
        }
        return .kept(state: try await chain.take(request))
    }

    nonisolated func chainPage(from number: Int) async throws(AgentServerError) -> ChainPage {
        let (state, entries) = try await chain.page(from: number)
        return ChainPage(state: state, entries: entries, acting: acting)
    }
}
