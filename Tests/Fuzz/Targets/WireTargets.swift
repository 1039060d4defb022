import CertificateAuthority
import ControlProtocol
import FoundationEssentials
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import AgentServer
@testable import MutualTLS

extension FuzzTarget {
    /// What arrives at an agent's port.
    static let wire: [FuzzTarget] = [
        FuzzTarget(name: "http", corpus: "http") { _ in
            { input in
                let channel = EmbeddedChannel()
                var limits = NIOHTTPDecoderLimitConfiguration()
                limits.maxHeaderFieldSize = 16 << 10
                limits.maxHeaderListSize = 16 << 10
                limits.maxHeaderFieldCount = 64
                try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                    withErrorHandling: false,
                    withEncoderConfiguration: HTTPResponseEncoder.Configuration(),
                    withDecoderLimitConfiguration: limits
                )
                var requests = Requests()
                do {
                    // In pieces, as a network delivers them.
                    let half = input.count / 2
                    try channel.writeInbound(ByteBuffer(bytes: input[..<half]))
                    try channel.writeInbound(ByteBuffer(bytes: input[half...]))
                } catch {
                    _ = "\(error)"
                }
                while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
                    requests.take(part)
                }
                do { _ = try channel.finish(acceptAlreadyClosed: true) } catch { _ = "\(error)" }
                return requests.count > 0
            }
        },
        FuzzTarget(name: "tls", corpus: "tls", style: .brittle) { folder in
            let context = try Credentials.context(in: folder)
            return { input in
                let connection = try TLSConnection(context: context, expecting: .anyClient)
                guard connection.receive(ByteBuffer(bytes: input)) else { return false }
                switch connection.handshake() {
                case .done: return true
                case .needsInput: return connection.takeOutput(ByteBufferAllocator()) != nil
                case .failed(let error):
                    _ = error.description
                    _ = connection.takeOutput(ByteBufferAllocator())
                    return false
                }
            }
        },
    ]
}

/// Whole requests, each taken as far as the agent takes it before it looks at the host.
private struct Requests {
    private(set) var count = 0
    private var head: HTTPRequestHead?
    private var body = Data()

    mutating func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let found): (head, body) = (found, Data())
        case .body(let buffer): body.append(contentsOf: buffer.readableBytesView)
        case .end:
            guard let head else { return }
            count += 1
            let match = Route.match(method: head.method.rawValue, target: head.uri)
            let route: Route? = if case .found(let route) = match { route } else { nil }
            _ = RequestText.of(route, method: head.method.rawValue, target: head.uri, body: body)
            _ = RequestText.leaseOf(route, body)
            if route == .submitCommand { command() }
        }
    }

    private func command() {
        do {
            let request = try JSONDecoder().decode(CommandRequest.self, from: body)
            _ = (AgentServer.AuditText.of(request.command), try CommandDigest.of(request.command))
        } catch {
            _ = WireJSON.describe(error)
        }
    }
}

private enum Credentials {
    struct Failure: Error {}

    static func context(in folder: String) throws -> TLSContext {
        guard let domain = TrustDomain("mitosis"), let agent = PeerIdentity("agent/s1") else {
            throw Failure()
        }
        let authority = try CertificateAuthority(creating: domain, now: Date())
        let issued = try authority.issue(agent, now: Date())
        let files = TLSFiles(
            certificate: folder + "/agent.pem",
            key: folder + "/agent.key",
            authority: folder + "/ca.pem"
        )
        try Scratch.write(issued.certificate, to: files.certificate)
        try Scratch.write(issued.key, to: files.key)
        try Scratch.write(try authority.encodedCertificate(), to: files.authority)
        return try TLSContext(files: files, trustDomain: domain)
    }
}
