/// How long a client waits for each part of a call.
package struct Patience: Hashable, Sendable {
    /// For the connection and the handshake, together.
    package let connect: Duration
    /// For the whole answer of anything but a command.
    package let reply: Duration
    /// Between two lines of a command's answer; the agent sends one at least every two seconds.
    package let silence: Duration
    /// For the whole answer to a command; nil for the command's own ceiling.
    package let ceiling: Duration?

    package init(
        connect: Duration = .seconds(3),
        reply: Duration = .seconds(10),
        silence: Duration = .seconds(10),
        ceiling: Duration? = nil
    ) {
        self.connect = connect
        self.reply = reply
        self.silence = silence
        self.ceiling = ceiling
    }
}
