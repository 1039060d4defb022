package import ArgumentParser
import Glibc
import SystemCalls

extension AsyncParsableCommand {
    /// Runs a program from its arguments to its end.
    ///
    /// As ArgumentParser's own `main`, but that what it quotes of the arguments, and whatever error a command ends with, is
    /// made printable.
    package static func runProgram() async -> Never {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            Glibc.exit(EXIT_SUCCESS)
        } catch {
            tell(fullMessage(for: error, columns: nil), endsWell: exitCode(for: error).isSuccess)
            Glibc.exit(exitCode(for: error).rawValue)
        }
    }

    /// Help, versions and what shells complete are our own words, and scripts read some of them.
    private static func tell(_ text: String, endsWell: Bool) {
        guard !text.isEmpty else { return }
        guard endsWell else { return DescriptorOutput.tell(text + "\n", to: STDERR_FILENO) }
        do throws(SystemCallError) {
            try DescriptorOutput.write(Array((text + "\n").utf8), to: STDOUT_FILENO)
        } catch {
            // Nobody is left to be told.
        }
    }
}
