internal import COpenSSL
internal import NIOCore

/// One SSL over two memory BIOs: bytes in, bytes out, no socket.
///
/// Used on one event loop only.
final class TLSConnection {
    enum Progress {
        case done
        case needsInput
        case failed(TLSError)
    }

    enum Received {
        case plaintext
        case needsInput
        /// The peer said that it will send nothing more.
        case finished
        case failed(TLSError)
    }

    private let ssl: OpaquePointer
    /// Both are owned by `ssl`.
    private let input: OpaquePointer
    private let output: OpaquePointer
    /// Kept for as long as the connection uses its `SSL_CTX`.
    private let context: TLSContext
    private let judgement: PeerJudgement

    /// Bounds what the output BIO ever holds.
    static let chunk = 65_536
    private static let recordSize = 16_384

    init(context: TLSContext, expecting expected: ExpectedPeer) throws(TLSError) {
        ERR_clear_error()
        guard let ssl = SSL_new(context.pointer) else {
            throw .library(operation: "create a connection", detail: Diagnostics.drain().text)
        }
        self.ssl = ssl
        self.context = context
        judgement = PeerJudgement(
            policy: PeerPolicy(trustDomain: context.trustDomain, expected: expected)
        )
        guard let input = mitosis_bio_memory(), let output = mitosis_bio_memory(), judgement.attach(to: ssl)
        else {
            SSL_free(ssl)
            throw .library(operation: "create a connection's buffers", detail: Diagnostics.drain().text)
        }
        self.input = input
        self.output = output
        SSL_set_bio(ssl, input, output)
        switch expected {
        case .anyClient: SSL_set_accept_state(ssl)
        case .server: SSL_set_connect_state(ssl)
        }
    }

    deinit { SSL_free(ssl) }

    /// Takes what the socket delivered.
    func receive(_ bytes: ByteBuffer) -> Bool {
        bytes.withUnsafeReadableBytes { raw in
            BIO_write(input, raw.baseAddress, Int32(raw.count)) == Int32(raw.count)
        }
    }

    /// What must go to the socket now, nil when there is nothing.
    func takeOutput(_ allocator: ByteBufferAllocator) -> ByteBuffer? {
        let count = BIO_ctrl_pending(output)
        guard count > 0 else { return nil }
        var buffer = allocator.buffer(capacity: count)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { raw in
            max(0, Int(BIO_read(output, raw.baseAddress, Int32(count))))
        }
        return buffer
    }

    func handshake() -> Progress {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        guard result != 1 else { return .done }
        let code = SSL_get_error(ssl, result)
        let diagnostics = Diagnostics.drain()
        return code == SSL_ERROR_WANT_READ ? .needsInput : .failed(cause(of: diagnostics))
    }

    /// Appends the next decrypted bytes to `buffer`.
    func read(into buffer: inout ByteBuffer) -> Received {
        ERR_clear_error()
        var result: Int32 = 0
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: TLSConnection.recordSize) { raw in
            result = SSL_read(ssl, raw.baseAddress, Int32(TLSConnection.recordSize))
            return max(0, Int(result))
        }
        guard result <= 0 else { return .plaintext }
        let code = SSL_get_error(ssl, result)
        let diagnostics = Diagnostics.drain()
        switch code {
        case SSL_ERROR_WANT_READ: return .needsInput
        case SSL_ERROR_ZERO_RETURN: return .finished
        default: return .failed(cause(of: diagnostics))
        }
    }

    /// Encrypts up to `chunk` bytes off the front of `plaintext`, which must not be empty.
    func encrypt(_ plaintext: inout ByteBuffer) throws(TLSError) {
        ERR_clear_error()
        let count = min(plaintext.readableBytes, TLSConnection.chunk)
        let result = plaintext.withUnsafeReadableBytes { SSL_write(ssl, $0.baseAddress, Int32(count)) }
        guard result == Int32(count) else { throw cause(of: Diagnostics.drain()) }
        plaintext.moveReaderIndex(forwardBy: count)
    }

    /// Says to the peer that nothing more follows.
    func sayGoodbye() {
        ERR_clear_error()
        _ = SSL_shutdown(ssl)
        _ = Diagnostics.drain()
    }

    /// Judges the peer a second time, now from the finished handshake, so that no path around the callback
    /// counts.
    func peer() throws(TLSError) -> EstablishedPeer {
        guard let pointer = SSL_get1_peer_certificate(ssl) else { throw .certificateRefused(.absent) }
        let facts = Certificate(owning: pointer).facts
        guard SSL_get_verify_result(ssl) == X509_V_OK else {
            throw .certificateRefused(
                judgement.refusal ?? .invalid(presented: "the peer", reason: "unverified")
            )
        }
        switch judgement.policy.judge(facts) {
        case .success(let identity):
            return EstablishedPeer(identity: identity, serial: facts.serial, notAfter: facts.notAfter)
        case .failure(let refusal):
            throw .certificateRefused(refusal)
        }
    }

    private func cause(of diagnostics: Diagnostics) -> TLSError {
        if let refusal = judgement.refusal { return .certificateRefused(refusal) }
        if let alert = diagnostics.alert { return .refusedByPeer(alert) }
        if diagnostics.contains(SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
            return .certificateRefused(.absent)
        }
        if diagnostics.contains(SSL_R_HTTP_REQUEST) { return .plainHTTP }
        if diagnostics.contains(SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTPS_PROXY_REQUEST) { return .notTLS }
        if diagnostics.contains(SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_NO_PROTOCOLS_AVAILABLE) { return .olderTLS }
        return .exchangeFailed(detail: diagnostics.text)
    }
}
