import FoundationEssentials
import MutualTLS
import NIOCore
import NIOPosix

/// Sends bytes as they are over a real TLS connection, to see what the agent does with them.
struct RawConnection {
    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    static func open(
        _ agent: TestAgent,
        _ identity: String = "coordinator/ops",
        files: TLSFiles? = nil
    ) async throws -> RawConnection {
        let certified = try files ?? agent.authority.issue(identity)
        let context = try agent.authority.context(identity, files: certified).latest
        let expected = try TestAuthority.peer("agent/s1")
        let channel = try await ClientBootstrap(group: TestAgent.group)
            .connect(host: "127.0.0.1", port: agent.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        MutualTLSHandler(context: context, expecting: .server(expected))
                    )
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return RawConnection(channel: channel)
    }

    /// Sends `text` and collects what comes back until `isEnough`, or until the agent hangs up.
    func exchange(_ text: String, until isEnough: @escaping (String) -> Bool = { _ in false }) async throws
        -> String
    {
        try await exchange([text], until: isEnough)
    }

    func exchange(_ texts: [String], until isEnough: @escaping (String) -> Bool = { _ in false }) async throws
        -> String
    {
        try await channel.executeThenClose { inbound, outbound in
            for text in texts { try await outbound.write(ByteBuffer(string: text)) }
            var answer = ""
            do {
                for try await buffer in inbound {
                    answer += String(buffer: buffer)
                    if isEnough(answer) { break }
                }
            } catch TLSError.truncated {
                return answer
            }
            return answer
        }
    }

    /// Sends `text`, and once an answer to it begins and `between` is over, sends it again; all that comes back.
    func converse(_ text: String, between: @escaping @Sendable () throws -> Void) async throws -> String {
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var answer = ""
            var isRepeated = false
            do {
                for try await buffer in inbound {
                    answer += String(buffer: buffer)
                    guard !isRepeated else { continue }
                    isRepeated = true
                    try between()
                    try await outbound.write(ByteBuffer(string: text))
                }
            } catch TLSError.truncated {
                return answer
            }
            return answer
        }
    }
}
