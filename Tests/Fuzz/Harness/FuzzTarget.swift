import FoundationEssentials

/// One thing that reads what others wrote.
struct FuzzTarget: Sendable {
    /// Whether an input got past the first parser.
    typealias Body = ([UInt8]) throws -> Bool

    let name: String
    /// A folder of Corpus, and how the names of its files end.
    let corpus: String
    var suffix = ""
    var style = Mutator.Style.text
    /// Makes checksums and lengths right again in half of the inputs, so that they are not all that is tested.
    var mend: (@Sendable ([UInt8]) -> [UInt8])?
    /// What it takes to run; `folder` is the worker's own, in memory.
    let prepare: @Sendable (_ folder: String) throws -> Body

    /// The names of the seeds, in a fixed order, and the seeds.
    func seeds(in corpus: String) throws -> [(name: String, content: [UInt8])] {
        let folder = corpus + "/" + self.corpus
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().filter {
            $0.hasSuffix(suffix)
        }
        .map { (name: $0, content: Array(try Data(contentsOf: URL(filePath: folder + "/" + $0)))) }
    }

    static func named(_ name: String) -> FuzzTarget? { (all + planted).first { $0.name == name } }
}
