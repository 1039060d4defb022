private import CLibYAML

/// What libyaml reports while it walks through a document, without its C types.
enum YAMLEvent {
    case streamStart
    case streamEnd
    case documentStart
    case documentEnd
    case alias(String)
    case scalar(String, YAMLNode.Style, Properties)
    case sequenceStart(Properties)
    case sequenceEnd
    case mappingStart(Properties)
    case mappingEnd

    /// What may stand before a node.
    struct Properties {
        let anchor: String?
        let tag: String?
    }
}

/// Owns one libyaml parser and the copy of the input that it reads from.
struct YAMLEvents: ~Copyable {
    private let file: String
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// Nil when there is no memory for a parser.
    init?(_ text: [UInt8], file: String) {
        // libyaml, once told the encoding, takes the mark that some editors begin UTF-8 with for a document's content.
        let bytes = text.starts(with: [0xEF, 0xBB, 0xBF]) ? text[3...] : text[...]
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            return nil
        }
        let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, bytes.count))
        _ = input.initialize(from: bytes)
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        self.file = file
        self.parser = parser
        self.input = input
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    mutating func next() throws(YAMLError) -> (YAMLEvent, YAMLPosition) {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        defer { yaml_event_delete(&event) }
        let position = Self.position(event.start_mark)
        switch event.type {
        case YAML_STREAM_START_EVENT: return (.streamStart, position)
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, position)
        case YAML_DOCUMENT_END_EVENT: return (.documentEnd, position)
        case YAML_ALIAS_EVENT: return (.alias(Self.text(event.data.alias.anchor) ?? ""), position)
        case YAML_SCALAR_EVENT: return (Self.scalar(event.data.scalar), position)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return (.sequenceStart(Self.properties(start.anchor, start.tag)), position)
        case YAML_SEQUENCE_END_EVENT: return (.sequenceEnd, position)
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return (.mappingStart(Self.properties(start.anchor, start.tag)), position)
        case YAML_MAPPING_END_EVENT: return (.mappingEnd, position)
        default: return (.streamEnd, position)
        }
    }

    private static func scalar(_ scalar: yaml_event_s.__Unnamed_union_data.__Unnamed_struct_scalar)
        -> YAMLEvent
    {
        let text = String(
            decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length),
            as: UTF8.self
        )
        let style: YAMLNode.Style = scalar.style == YAML_PLAIN_SCALAR_STYLE ? .plain : .quoted
        return .scalar(text, style, properties(scalar.anchor, scalar.tag))
    }

    private static func properties(
        _ anchor: UnsafeMutablePointer<UInt8>?,
        _ tag: UnsafeMutablePointer<UInt8>?
    ) -> YAMLEvent.Properties {
        YAMLEvent.Properties(anchor: text(anchor), tag: text(tag))
    }

    private static func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private static func position(_ mark: yaml_mark_t) -> YAMLPosition {
        YAMLPosition(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private func syntaxError() -> YAMLError {
        let state = parser.pointee
        let problem = state.problem.map { String(cString: $0) } ?? "out of memory"
        let position =
            state.error == YAML_READER_ERROR
            ? positionOfByte(Int(state.problem_offset)) : Self.position(state.problem_mark)
        let context = state.context.map {
            "\(String(cString: $0)) that starts on line \(Int(state.context_mark.line) + 1)"
        }
        let fault = YAMLProblem.Fault.syntax(problem: problem, context: context)
        return .problems([YAMLProblem(file: file, position: position, fault: fault)])
    }

    /// The reader knows only an offset when it meets bytes that are not UTF-8.
    private func positionOfByte(_ offset: Int) -> YAMLPosition {
        let before = input.prefix(offset)
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let column = before.reversed().prefix { $0 != UInt8(ascii: "\n") }.count + 1
        return YAMLPosition(line: line, column: column)
    }
}
