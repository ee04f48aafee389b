#include "xml.hpp"

#include "timeline.hpp"

#include <algorithm>
#include <cstring>

namespace kinescore::bridge {

namespace {

constexpr std::size_t nowhere = std::string::npos;

/// Length of the UTF-8 character that begins at a position, or 0 if there is none. Overlong
/// spellings and halves of surrogate pairs are invalid.
std::size_t character_length(const std::string &text, std::size_t at) {
    const auto byte = [&](std::size_t index) {
        return static_cast<unsigned char>(index < text.size() ? text[index] : 0);
    };
    const auto follows = [&](std::size_t index) { return (byte(index) & 0xC0) == 0x80; };
    const unsigned first = byte(at);
    const unsigned second = byte(at + 1);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return follows(at + 1) ? 2 : 0;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        const bool legal = !(first == 0xE0 && second < 0xA0) && !(first == 0xED && second > 0x9F);
        return legal && follows(at + 1) && follows(at + 2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const bool legal = !(first == 0xF0 && second < 0x90) && !(first == 0xF4 && second > 0x8F);
        return legal && follows(at + 1) && follows(at + 2) && follows(at + 3) ? 4 : 0;
    }
    return 0;
}

std::string escaped_character(char character) {
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\n':
        return "&#10;";
    case '\r':
        return "&#13;";
    case '\t':
        return "&#9;";
    default:
        return std::string(1, character);
    }
}

std::size_t line_of(const std::string &bytes, std::size_t offset) {
    const auto end = bytes.begin() + static_cast<std::ptrdiff_t>(std::min(offset, bytes.size()));
    return static_cast<std::size_t>(std::count(bytes.begin(), end, '\n')) + 1;
}

bool is_blank(char character) { return character == ' ' || character == '\t'; }

} // namespace

std::string xml_escape(const std::string &text) {
    std::string escaped;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = character_length(text, at);
        const auto first = static_cast<unsigned char>(text[at]);
        if (length == 0 || (first < 0x20 && first != '\n' && first != '\r' && first != '\t')) {
            throw Problem(Problem::Kind::input, "\"" + text + "\" holds byte " + std::to_string(first) +
                                                    ", and a project file can only hold printable text in UTF-8");
        }
        escaped += length == 1 ? escaped_character(text[at]) : text.substr(at, length);
        at += length;
    }
    return escaped;
}

XmlText::XmlText(std::string bytes, std::string name) : bytes_(std::move(bytes)), name_(std::move(name)) { read(); }

void XmlText::read() {
    const auto result = document_.load_buffer(bytes_.data(), bytes_.size(), pugi::parse_full | pugi::parse_ws_pcdata,
                                              pugi::encoding_utf8);
    if (!result) {
        throw Problem(Problem::Kind::input,
                      name_ + ": is not well-formed XML: " + result.description() + " in line " +
                          std::to_string(line_of(bytes_, static_cast<std::size_t>(result.offset))));
    }
    for (const pugi::xml_node node : document_) {
        const std::string encoding = node.type() == pugi::node_declaration ? node.attribute("encoding").value() : "";
        if (!encoding.empty() && strcasecmp(encoding.c_str(), "utf-8") != 0 &&
            strcasecmp(encoding.c_str(), "us-ascii") != 0) {
            throw Problem(Problem::Kind::input,
                          name_ + ": its encoding is " + encoding + ", and only utf-8 can be read");
        }
    }
    const std::size_t first = bytes_.find('\n');
    line_end_ = first != nowhere && first > 0 && bytes_[first - 1] == '\r' ? "\r\n" : "\n";
    scan();
}

/// Finds where elements end, which pugixml does not keep. The text is well-formed: it was parsed
/// before.
void XmlText::scan() {
    extents_.clear();
    std::vector<std::size_t> open;
    const auto behind = [&](std::size_t at, const char *mark) {
        const std::size_t found = bytes_.find(mark, at);
        return found == nowhere ? bytes_.size() : found + std::strlen(mark);
    };
    for (std::size_t at = bytes_.find('<'); at < bytes_.size(); at = bytes_.find('<', at)) {
        if (bytes_.compare(at, 4, "<!--") == 0) {
            at = behind(at + 4, "-->");
        } else if (bytes_.compare(at, 9, "<![CDATA[") == 0) {
            at = behind(at, "]]>");
        } else if (bytes_.compare(at, 2, "<?") == 0) {
            at = behind(at, "?>");
        } else if (bytes_.compare(at, 2, "<!") == 0) {
            at = behind(at, open.empty() && bytes_.find('[', at) < bytes_.find('>', at) ? "]>" : ">");
        } else {
            at = scan_tag(at, open);
        }
    }
}

std::size_t XmlText::scan_tag(std::size_t at, std::vector<std::size_t> &open) {
    if (bytes_.compare(at, 2, "</") == 0) {
        const std::size_t close = bytes_.find('>', at);
        const std::size_t end = close == nowhere ? bytes_.size() : close + 1;
        if (!open.empty()) {
            Extent &extent = extents_[open.back()];
            extent.close = at;
            extent.end = end;
            open.pop_back();
        }
        return end;
    }
    std::size_t end = at + 1;
    for (char quote = 0; end < bytes_.size() && (quote != 0 || bytes_[end] != '>'); ++end) {
        if (quote != 0) {
            quote = bytes_[end] == quote ? '\0' : quote;
        } else if (bytes_[end] == '"' || bytes_[end] == '\'') {
            quote = bytes_[end];
        }
    }
    end = std::min(end + 1, bytes_.size());
    Extent extent;
    extent.begin = at;
    extent.closed = bytes_[end - 2] == '/';
    extent.inner = end;
    extent.close = extent.closed ? end - 2 : end;
    extent.end = end;
    extents_[at + 1] = extent;
    if (!extent.closed) {
        open.push_back(at + 1);
    }
    return end;
}

const XmlText::Extent &XmlText::extent(pugi::xml_node element) const {
    const auto found = extents_.find(static_cast<std::size_t>(element.offset_debug()));
    if (found == extents_.end()) {
        throw Problem(Problem::Kind::input,
                      name_ + ": the element <" + element.name() + "> cannot be found in the text");
    }
    return found->second;
}

/// Start of the line end and indent before a position; the position itself if something else
/// precedes it.
std::size_t XmlText::line_break_before(std::size_t at) const {
    std::size_t begin = at;
    while (begin > 0 && is_blank(bytes_[begin - 1])) {
        --begin;
    }
    if (begin == 0 || bytes_[begin - 1] != '\n') {
        return at;
    }
    --begin;
    return begin > 0 && bytes_[begin - 1] == '\r' ? begin - 1 : begin;
}

std::string XmlText::indent_of(pugi::xml_node element) const {
    const std::size_t begin = extent(element).begin;
    std::size_t at = begin;
    while (at > 0 && is_blank(bytes_[at - 1])) {
        --at;
    }
    return at > 0 && bytes_[at - 1] == '\n' ? bytes_.substr(at, begin - at) : "";
}

std::string XmlText::step() const {
    const pugi::xml_node first =
        root().find_child([](pugi::xml_node node) { return node.type() == pugi::node_element; });
    const std::string indent = first ? indent_of(first) : "";
    return indent.empty() ? "  " : indent;
}

/// Lines for use after something else: each with a line end and an indent before it.
std::string XmlText::indented(const std::string &lines, const std::string &indent) const {
    std::string text;
    for (std::size_t begin = 0; begin < lines.size();) {
        const std::size_t end = std::min(lines.find('\n', begin), lines.size());
        text += line_end_ + indent + lines.substr(begin, end - begin);
        begin = end + 1;
    }
    return text;
}

void XmlText::set_attribute(pugi::xml_node element, const std::string &attribute,
                            const std::optional<std::string> &value) {
    const Extent &place = extent(element);
    const std::size_t tag_end = place.closed ? place.close : place.inner - 1;
    for (std::size_t at = place.begin + 1 + std::strlen(element.name()); at < tag_end;) {
        const std::size_t name = bytes_.find_first_not_of(" \t\r\n", at);
        const std::size_t equals = bytes_.find('=', at);
        if (name >= tag_end || equals >= tag_end) {
            break;
        }
        const std::size_t name_end = std::min(bytes_.find_first_of(" \t\r\n=", name), equals);
        const std::size_t open = bytes_.find_first_of("\"'", equals);
        const std::size_t close = bytes_.find(bytes_[open], open + 1);
        if (bytes_.compare(name, name_end - name, attribute) == 0) {
            if (value) {
                std::string text = xml_escape(*value);
                for (std::size_t quote = text.find('\''); quote != nowhere; quote = text.find('\'', quote)) {
                    text.replace(quote, 1, "&apos;");
                }
                changes_.push_back({open + 1, close, text});
            } else {
                changes_.push_back({at, close + 1, ""});
            }
            return;
        }
        at = close + 1;
    }
    if (value) {
        std::size_t at = tag_end;
        while (bytes_[at - 1] == ' ') {
            --at;
        }
        changes_.push_back({at, at, " " + attribute + "=\"" + xml_escape(*value) + "\""});
    }
}

void XmlText::set_text(pugi::xml_node element, const std::string &text) { set_raw(element, xml_escape(text)); }

void XmlText::set_raw(pugi::xml_node element, const std::string &raw) {
    const Extent &place = extent(element);
    if (place.closed) {
        changes_.push_back({place.close, place.end, ">" + raw + "</" + element.name() + ">"});
    } else {
        changes_.push_back({place.inner, place.close, raw});
    }
}

std::string XmlText::raw(pugi::xml_node element) const {
    const Extent &place = extent(element);
    return place.closed ? "" : bytes_.substr(place.inner, place.close - place.inner);
}

std::string XmlText::outer(pugi::xml_node element) const {
    const Extent &place = extent(element);
    const std::string text = bytes_.substr(place.begin, place.end - place.begin);
    const std::string indent = indent_of(element);
    std::string lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        std::string line = text.substr(begin, end - begin);
        if (!line.empty() && line.back() == '\r') {
            line.pop_back();
        }
        const bool is_deep = begin > 0 && line.compare(0, indent.size(), indent) == 0;
        lines += (begin > 0 ? "\n" : "") + (is_deep ? line.substr(indent.size()) : line);
        begin = end + 1;
    }
    return lines;
}

void XmlText::insert_before(pugi::xml_node element, const std::string &lines) {
    const std::size_t at = line_break_before(extent(element).begin);
    changes_.push_back({at, at, indented(lines, indent_of(element))});
}

void XmlText::insert_after(pugi::xml_node element, const std::string &lines) {
    const std::size_t at = extent(element).end;
    changes_.push_back({at, at, indented(lines, indent_of(element))});
}

void XmlText::insert_first(pugi::xml_node parent, const std::string &lines) {
    const Extent &place = extent(parent);
    const std::string inner = indented(lines, indent_of(parent) + step());
    if (place.closed) {
        changes_.push_back(
            {place.close, place.end, ">" + inner + line_end_ + indent_of(parent) + "</" + parent.name() + ">"});
    } else {
        const bool is_empty = place.inner == place.close;
        changes_.push_back({place.inner, place.inner, is_empty ? inner + line_end_ + indent_of(parent) : inner});
    }
}

void XmlText::erase(pugi::xml_node element) {
    const Extent &place = extent(element);
    changes_.push_back({line_break_before(place.begin), place.end, ""});
}

void XmlText::replace(pugi::xml_node first, pugi::xml_node last, const std::string &lines) {
    // The first line starts where the first element did, whether or not that is at the beginning of
    // a line.
    const std::string text = indented(lines, indent_of(first));
    changes_.push_back({extent(first).begin, extent(last).end, text.substr(text.find('<'))});
}

void XmlText::apply() {
    if (changes_.empty()) {
        return;
    }
    // Text inserted where something else is removed stays.
    std::stable_sort(changes_.begin(), changes_.end(), [](const Change &a, const Change &b) {
        return a.begin != b.begin ? a.begin < b.begin : (a.end == a.begin && b.end != b.begin);
    });
    std::string text;
    std::size_t at = 0;
    for (const Change &change : changes_) {
        if (change.begin < at) {
            continue; // inside a removed element
        }
        text.append(bytes_, at, change.begin - at);
        text += change.text;
        at = change.end;
    }
    text.append(bytes_, at, std::string::npos);
    changes_.clear();
    bytes_ = std::move(text);
    read();
}

void XmlText::reset(std::string bytes) {
    changes_.clear();
    bytes_ = std::move(bytes);
    read();
}

} // namespace kinescore::bridge
