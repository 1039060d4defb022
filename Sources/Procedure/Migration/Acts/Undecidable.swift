/// Why a step cannot decide what to command, whatever is seen next.
struct Undecidable: Error, Hashable {
    let reason: String
}
