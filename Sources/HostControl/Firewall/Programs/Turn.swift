/// Lets callers through one at a time, in the order of their arrival.
///
/// An actor alone would not do: it takes the next call whenever the last one awaits a child process.
actor Turn {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    /// Whoever took the turn gives it, once.
    func give() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }
}
