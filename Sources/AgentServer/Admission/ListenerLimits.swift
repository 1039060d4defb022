extension AgentListener {
    /// What one agent gives to whom at most.
    ///
    /// docs/operators-manual.md has them in words.
    package struct Limits: Sendable {
        /// Connections of known peers: a coordinator's is always taken, in another one's place if need be.
        package let connections: Int
        package let viewers: Int
        package let perViewer: Int
        package let perCoordinator: Int
        /// Connections that have not said anything whole, and such whose handshake is under way.
        package let silent: Int
        package let handshakes: Int
        /// All of these are absolute: a peer that drips gains nothing.
        package let handshake: Duration
        /// From the first byte of a request to the end of its headers.
        package let head: Duration
        package let body: Duration
        /// For a refused body: so long is listened on that the answer is not lost to a reset.
        package let farewell: Duration
        /// How long a peer may leave its answer where it is.
        package let unread: Duration
        /// Between an answer and the next request.
        package let idle: Duration
        /// An older connection is closed after its next answer.
        package let age: Duration
        package let pace: RequestPace.Limits
        package let bodies: BodyBudget.Limits

        package init(
            connections: Int = 256,
            viewers: Int = 96,
            perViewer: Int = 32,
            perCoordinator: Int = 64,
            silent: Int = 1024,
            handshakes: Int = 256,
            handshake: Duration = .seconds(5),
            head: Duration = .seconds(10),
            body: Duration = .seconds(30),
            farewell: Duration = .seconds(5),
            unread: Duration = .seconds(30),
            idle: Duration = .seconds(120),
            age: Duration = .seconds(600),
            pace: RequestPace.Limits = RequestPace.Limits(),
            bodies: BodyBudget.Limits = BodyBudget.Limits()
        ) {
            self.connections = connections
            self.viewers = viewers
            self.perViewer = perViewer
            self.perCoordinator = perCoordinator
            self.silent = silent
            self.handshakes = handshakes
            self.handshake = handshake
            self.head = head
            self.body = body
            self.farewell = farewell
            self.unread = unread
            self.idle = idle
            self.age = age
            self.pace = pace
            self.bodies = bodies
        }
    }
}
