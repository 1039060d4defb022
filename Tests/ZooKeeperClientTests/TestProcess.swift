import Glibc
import Testing

/// Starts programs for tests.
enum TestProcess {
    static func spawn(_ arguments: [String], log: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions,
            1,
            log,
            O_WRONLY | O_CREAT | O_APPEND,
            0o644
        )
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let argv = arguments.map { strdup($0) }
        defer { for argument in argv { free(argument) } }
        var spawned: pid_t = 0
        try #require(posix_spawn(&spawned, arguments[0], &actions, nil, argv + [nil], environ) == 0)
        return spawned
    }
}

/// A relay on loopback before a server; frozen, it holds connections open and passes nothing on.
final class FreezableRelay: Sendable {
    let port: Int
    private let pid: pid_t

    init(to target: Int) throws {
        port = try LoopbackServer.freePort()
        let program = """
            import asyncio
            async def copy(reader, writer):
                try:
                    while data := await reader.read(65536):
                        writer.write(data)
                        await writer.drain()
                except OSError:
                    pass
                finally:
                    writer.close()
            async def serve(reader, writer):
                try:
                    inner = await asyncio.open_connection("127.0.0.1", \(target))
                except OSError:
                    writer.close()
                    return
                await asyncio.gather(copy(reader, inner[1]), copy(inner[0], writer))
            async def main():
                async with await asyncio.start_server(serve, "127.0.0.1", \(port)) as server:
                    await server.serve_forever()
            asyncio.run(main())
            """
        pid = try TestProcess.spawn(["/usr/bin/python3", "-c", program], log: "/dev/null")
    }

    deinit {
        var status: Int32 = 0
        if kill(pid, SIGKILL) == 0 { waitpid(pid, &status, 0) }
    }

    func freeze() { kill(pid, SIGSTOP) }

    func thaw() { kill(pid, SIGCONT) }
}
