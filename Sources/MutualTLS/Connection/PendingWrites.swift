internal import NIOCore

/// Plaintext that waits for the handshake or for a flush.
struct PendingWrites {
    private var writes = MarkedCircularBuffer<(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)>(
        initialCapacity: 8
    )

    mutating func append(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
        writes.append((bytes, promise))
    }

    mutating func mark() { writes.mark() }

    /// Flushed writes joined into one piece, so that a response of several small parts is one record.
    mutating func nextBatch() -> (bytes: ByteBuffer, promises: [EventLoopPromise<Void>])? {
        guard writes.hasMark, let first = writes.popFirst() else { return nil }
        var bytes = first.bytes
        var promises = first.promise.map { [$0] } ?? []
        while writes.hasMark, let next = writes.first,
            bytes.readableBytes + next.bytes.readableBytes <= TLSConnection.chunk
        {
            bytes.writeImmutableBuffer(next.bytes)
            if let promise = next.promise { promises.append(promise) }
            _ = writes.removeFirst()
        }
        return (bytes, promises)
    }

    mutating func failAll(_ error: any Error) {
        while let write = writes.popFirst() { write.promise?.fail(error) }
    }
}
