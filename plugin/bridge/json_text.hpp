/*
 * JSON as the text that it is: parsed with limits, searched for places, and written in the layout
 * of the rest.
 */
#ifndef KINESCORE_BRIDGE_JSON_TEXT_HPP
#define KINESCORE_BRIDGE_JSON_TEXT_HPP

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace kinescore::bridge {

using Json = nlohmann::ordered_json; // keeps the order of keys

/// How deep lists and objects may be nested: the parser, the destructor and the writer of JSON call
/// themselves once for each level, and a hundred thousand levels overflow the stack. Compositions
/// of people's projects have a few dozen.
constexpr int deepest_json = 1000;

/// Parses JSON. "NaN", "Infinity" and "-Infinity", as OpenTimelineIO writes them, are read as null:
/// as numbers they stand for "not known". Throws std::runtime_error with the reason, as the end of
/// a sentence.
Json parsed_json(const std::string &text);

struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// Where things are in JSON that has been parsed before, and so is known to be well formed.
class JsonScanner {
public:
    struct Member {
        Span key;
        Span value;
    };

    explicit JsonScanner(const std::string &text) : text_(text) {}

    /// The outermost value; nlohmann::json too passes over a byte order mark.
    std::size_t root() const { return skip_space(text_.compare(0, 3, "\xEF\xBB\xBF") == 0 ? 3 : 0); }

    std::vector<Member> members(std::size_t object, std::size_t most = std::string::npos) const;

    std::vector<Span> elements(std::size_t array) const;

    /// The value of a key; of the last one, where a key is there twice, as the parser has it.
    std::optional<Span> value(std::size_t object, const std::string &key) const;

    std::size_t skip_space(std::size_t at) const;

private:
    static std::ptrdiff_t offset(std::size_t at) { return static_cast<std::ptrdiff_t>(at); }

    std::size_t skip_string(std::size_t at) const;

    /// Whether an odd number of backslashes comes before.
    bool is_escaped(std::size_t at) const;

    std::size_t skip_value(std::size_t at) const;

    const std::string &text_;
};

/// A value in one line. Names of files may be any bytes; JSON is UTF-8.
std::string dumped(const Json &value);

bool is_utf8(const std::string &text);

/// How a file is laid out, so that what is added looks like the rest.
class JsonStyle {
public:
    JsonStyle() = default;

    JsonStyle(const std::string &text, const JsonScanner &scanner);

    /// What comes before an element of a list or object of some depth, but for the first one's
    /// comma.
    std::string lead(int depth, bool first) const { return (first ? "" : lines_ ? "," : comma_) + line(depth); }

    std::string line(int depth) const;

    std::string write(const Json &value, int depth) const;

private:
    bool lines_ = true;
    std::string newline_ = "\n";
    std::string unit_ = "    ";
    std::string colon_ = ": ";
    std::string comma_ = ",";
};

} // namespace kinescore::bridge

#endif
