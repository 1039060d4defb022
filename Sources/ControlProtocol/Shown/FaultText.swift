/// What is wrong with a file, in the words for a coordinator and in those for a viewer.
///
/// A viewer is told the path, the line and the kind of fault; neither what stands in the file nor what others chose as a name.
package struct FaultText: Hashable, Sendable {
    package let whole: String
    package let shown: String

    /// Of words that are ours.
    package init(_ text: String) { self.init(whole: text, shown: text) }

    package init(whole: String, shown: String) {
        self.whole = whole
        self.shown = shown
    }
}
