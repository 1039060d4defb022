/// What the compiler makes of tuples, structs and throwing calls; `CompilerTests` says what is wrong with it.
///
/// Here, as tests themselves are not optimised.
package enum CompilerSamples {
    private struct Odd: Error {}

    private struct Pair {
        let number: Int
        let answer: Int
    }

    /// What is given to each sample.
    package static let numbers = 1000..<1100

    @inline(never)
    private static func echo(_ number: Int) async throws(Odd) -> Int {
        if number % 2 == 1 { throw Odd() }
        return number
    }

    /// - Returns: the first element of a tuple whose second one is a throwing call.
    package static func tupleWithThrowingCall(_ number: Int) async -> Int {
        let (first, _) = await Task {
            do throws(Odd) {
                return (number, try await Self.echo(number))
            } catch {
                return (number, -1)
            }
        }.value
        return first
    }

    /// - Returns: the first element of a tuple that is made when the call has ended.
    package static func tupleAfterwards(_ number: Int) async -> Int {
        let (first, _) = await Task {
            do throws(Odd) {
                let answer = try await Self.echo(number)
                return (number, answer)
            } catch {
                return (number, -1)
            }
        }.value
        return first
    }

    /// - Returns: the first field of a struct whose second one is a throwing call.
    package static func structure(_ number: Int) async -> Int {
        let pair = await Task {
            do throws(Odd) {
                return Pair(number: number, answer: try await Self.echo(number))
            } catch {
                return Pair(number: number, answer: -1)
            }
        }.value
        return pair.number
    }
}
