internal import COpenSSL

extension PrivateKey {
    /// Of P-256, the only kind that this project uses.
    package static func generated() throws(TLSError) -> PrivateKey {
        ERR_clear_error()
        guard let pointer = mitosis_p256_generate() else {
            throw .library(operation: "generate a key", detail: Diagnostics.drain().text)
        }
        return PrivateKey(owning: pointer)
    }

    /// PEM, not encrypted.
    package func encoded() throws(TLSError) -> [UInt8] {
        try PEM.encode("the key") { PEM_write_bio_PrivateKey($0, pointer, nil, nil, 0, nil, nil) }
    }
}

extension PEM {
    package static func encode(_ what: String, _ write: (OpaquePointer) -> Int32) throws(TLSError) -> [UInt8]
    {
        ERR_clear_error()
        guard let bio = mitosis_bio_memory() else {
            throw .library(operation: "allocate memory", detail: Diagnostics.drain().text)
        }
        defer { BIO_free(bio) }
        guard write(bio) == 1 else {
            throw .library(operation: "encode \(what)", detail: Diagnostics.drain().text)
        }
        var start: UnsafePointer<UInt8>?
        let length = mitosis_bio_contents(bio, &start)
        return Array(UnsafeBufferPointer(start: start, count: length))
    }
}
