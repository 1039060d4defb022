import Synchronization

/// Lets tasks through one at a time, in the order of their arrival.
///
/// An actor alone would not do: it takes the next call whenever the last one awaits something. Waiting cannot be
/// cancelled, so that whoever waits gets its turn, and passes it on.
package final class FIFOLock<Holder: Sendable>: Sendable {
    private struct State {
        var holder: Holder?
        var waiting: [(holder: Holder, resume: CheckedContinuation<Void, Never>)] = []
        /// Whoever waits until nobody holds it or waits for it.
        var idle: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Nil when it is free.
    package var holder: Holder? { state.withLock { $0.holder } }

    /// True when it was free: it is the caller's then, until `release`.
    package func tryAcquire(for holder: Holder) -> Bool {
        state.withLock { state in
            guard state.holder == nil else { return false }
            state.holder = holder
            return true
        }
    }

    package func acquire(for holder: Holder) async {
        await withCheckedContinuation { resume in
            let isFree = state.withLock { state in
                guard state.holder == nil else {
                    state.waiting.append((holder, resume))
                    return false
                }
                state.holder = holder
                return true
            }
            if isFree { resume.resume() }
        }
    }

    /// Passes it to the next in line; whoever acquired it calls this, once.
    package func release() {
        let due = state.withLock { state in
            guard !state.waiting.isEmpty else {
                defer { state.idle = [] }
                state.holder = nil
                return state.idle
            }
            let next = state.waiting.removeFirst()
            state.holder = next.holder
            return [next.resume]
        }
        for resume in due { resume.resume() }
    }

    /// Returns once nobody holds it and nobody waits for it.
    package func untilFree() async {
        await withCheckedContinuation { resume in
            let isFree = state.withLock { state in
                if state.holder != nil { state.idle.append(resume) }
                return state.holder == nil
            }
            if isFree { resume.resume() }
        }
    }
}

extension FIFOLock where Holder == Void {
    package func acquire() async { await acquire(for: ()) }
}
