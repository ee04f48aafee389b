/*
 * JSON as text: parsed with limits, searched for positions, and written in the layout of the file.
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

/// Maximum nesting of lists and objects: the parser, the destructor and the writer of JSON recurse
/// once per level, and a hundred thousand levels overflow the stack. Real compositions have a few
/// dozen.
constexpr int deepest_json = 1000;

/// Parses JSON. "NaN", "Infinity" and "-Infinity", as OpenTimelineIO writes them, are read as null:
/// as numbers they mean "unknown". Throws std::runtime_error with the reason, as the end of a
/// sentence.
Json parsed_json(const std::string &text);

struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// Finds positions in JSON that has been parsed before, and is therefore well formed.
class JsonScanner {
public:
    struct Member {
        Span key;
        Span value;
    };

    explicit JsonScanner(const std::string &text) : text_(text) {}

    /// The outermost value; nlohmann::json also skips a byte order mark.
    std::size_t root() const { return skip_space(text_.compare(0, 3, "\xEF\xBB\xBF") == 0 ? 3 : 0); }

    std::vector<Member> members(std::size_t object, std::size_t most = std::string::npos) const;

    std::vector<Span> elements(std::size_t array) const;

    /// The value of a key; the last one if a key occurs twice, as in the parser.
    std::optional<Span> value(std::size_t object, const std::string &key) const;

    std::size_t skip_space(std::size_t at) const;

private:
    static std::ptrdiff_t offset(std::size_t at) { return static_cast<std::ptrdiff_t>(at); }

    std::size_t skip_string(std::size_t at) const;

    /// Whether an odd number of backslashes precedes this position.
    bool is_escaped(std::size_t at) const;

    std::size_t skip_value(std::size_t at) const;

    const std::string &text_;
};

/// A value on one line. Names of files may be any bytes; JSON is UTF-8.
std::string dumped(const Json &value);

bool is_utf8(const std::string &text);

/// The text of a list without some of its elements and with others at its end, each after `lead`; the
/// bracket that ends it is after `tail`. All else keeps its text, so that removing what was added
/// restores it, unless nothing is left. `list` is the place of the list in the text, which may go on
/// after it; returns the whole text.
std::string changed_list(const std::string &text, std::size_t list, const std::vector<bool> &kept,
                         const std::vector<std::string> &added, const std::string &lead, const std::string &tail);

/// The layout of a file, so that additions look like the rest.
class JsonStyle {
public:
    JsonStyle() = default;

    JsonStyle(const std::string &text, const JsonScanner &scanner);

    /// The text before an element of a list or object at some depth, except for the first one's
    /// comma.
    std::string lead(int depth, bool first) const { return (first ? "" : lines_ ? "," : comma_) + line(depth); }

    std::string line(int depth) const;

    std::string write(const Json &value, int depth) const;

    /// A member of an object, with its value as text.
    std::string member(const std::string &key, const std::string &value) const { return dumped(Json(key)) + colon_ + value; }

private:
    bool lines_ = true;
    std::string newline_ = "\n";
    std::string unit_ = "    ";
    std::string colon_ = ": ";
    std::string comma_ = ",";
};

} // namespace kinescore::bridge

#endif
