/// Runs two programs at the same time and waits for both, whatever becomes of either.
///
/// The first one's error is thrown when both fail.
func together<First: Sendable, Second: Sendable>(
    _ first: @Sendable () async throws(FirewallError) -> First,
    _ second: @Sendable () async throws(FirewallError) -> Second
) async throws(FirewallError) -> (First, Second) {
    async let one = result(first)
    async let two = result(second)
    let (left, right) = (await one, await two)
    return (try left.get(), try right.get())
}

private func result<Value: Sendable>(
    _ body: @Sendable () async throws(FirewallError) -> Value
) async -> Result<Value, FirewallError> {
    do throws(FirewallError) {
        return .success(try await body())
    } catch {
        return .failure(error)
    }
}
