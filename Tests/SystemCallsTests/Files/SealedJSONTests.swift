import SystemCalls
import Testing

@Suite("Objects that bear their checksum")
struct SealedJSONTests {
    private let object = Array(#"{"intent":{"id":"run-1.x","at":1}}"#.utf8)

    @Test("the checksum is that of RFC 3720")
    func sum() {
        #expect(CRC32C.sum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.sum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    }

    @Test("what was sealed is found as it was, and is still an object")
    func roundTrip() {
        let sealed = SealedJSON.seal(object)
        #expect(String(decoding: sealed, as: UTF8.self).hasPrefix(#"{"crc32c":""#))
        #expect(String(decoding: sealed, as: UTF8.self).hasSuffix(#"","intent":{"id":"run-1.x","at":1}}"#))
        #expect(SealedJSON.open(sealed) == .sound(object))
    }

    @Test("every single bit that flips is noticed, in the text, in the checksum and in its name")
    func everyBit() {
        let sealed = SealedJSON.seal(object)
        for index in sealed.indices {
            for bit in 0..<8 {
                var flipped = sealed
                flipped[index] ^= 1 << bit
                #expect(SealedJSON.open(flipped) == .damaged, "byte \(index), bit \(bit)")
            }
        }
        for count in 6..<sealed.count { #expect(SealedJSON.open(sealed.prefix(count)) == .damaged) }
    }

    @Test("what has no checksum is of an earlier version")
    func unsealed() {
        #expect(SealedJSON.open(object) == .unsealed(object))
        let lease = Array(#"{"current":{"holder":"ops"}}"#.utf8)
        #expect(SealedJSON.open(lease) == .unsealed(lease))
        #expect(SealedJSON.open([]) == .damaged)
        #expect(SealedJSON.open([UInt8](repeating: 0, count: 100)) == .damaged)
    }
}
