import Glibc
package import Printable

/// Writes the whole of something to a descriptor, in as many calls of write(2) as that takes.
package enum DescriptorOutput {
    /// Throws with a part of it written, when the descriptor takes no more.
    package static func write(_ content: [UInt8], to descriptor: Int32) throws(SystemCallError) {
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .last("write") }
            rest = rest.dropFirst(count)
        }
    }

    /// For a reader that may go away: what cannot be written is dropped, the work that is being told of goes on.
    ///
    /// Everything that a program of ours prints passes here, and is made printable.
    package static func tell(_ text: String, to descriptor: Int32) {
        tell(TerminalText(text), to: descriptor)
    }

    /// The same with controls of our own.
    package static func tell(_ text: TerminalText, to descriptor: Int32) {
        do throws(SystemCallError) {
            try write(Array(text.rendered.utf8), to: descriptor)
        } catch {
            // Nobody is left to be told.
        }
    }

    /// For the handler of a signal, which may do little more than a system call: a constant of ours, as it is.
    package static func tellWithinHandler(_ text: StaticString, to descriptor: Int32) {
        _ = Glibc.write(descriptor, text.utf8Start, text.utf8CodeUnitCount)
    }
}
