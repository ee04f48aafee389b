#include "json_text.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace kinescore::bridge {

namespace {

/// Whether a word is at this position, and ends there.
bool is_word(const std::string &text, std::size_t at, std::string_view word) {
    const std::size_t end = at + word.size();
    return text.compare(at, word.size(), word) == 0 &&
           (end == text.size() || std::string_view(",]} \t\r\n").find(text[end]) != std::string_view::npos);
}

/// Checks the nesting, and writes null in place of numbers that JSON does not have. Strings are
/// skipped.
std::string prepared(const std::string &text) {
    std::string prepared;
    std::size_t copied = 0;
    int depth = 0;
    bool is_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (is_string) {
            at += c == '\\' ? 1 : 0;
            is_string = c != '"';
        } else if (c == '"') {
            is_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > deepest_json) {
                throw std::runtime_error("its lists and objects are nested more than " + std::to_string(deepest_json) +
                                         " deep, which is the maximum");
            }
        } else if (c == '}' || c == ']') {
            --depth;
        } else if (c == 'N' || c == 'I' || (c == '-' && at + 1 < text.size() && text[at + 1] == 'I')) {
            for (const std::string_view word : {"NaN", "Infinity", "-Infinity", "Inf", "-Inf"}) {
                if (is_word(text, at, word)) {
                    prepared.append(text, copied, at - copied);
                    prepared += "null";
                    copied = at + word.size();
                    at = copied - 1;
                    break;
                }
            }
        }
    }
    return copied == 0 ? text : prepared.append(text, copied, std::string::npos);
}

} // namespace

Json parsed_json(const std::string &text) {
    const std::string whole = prepared(text);
    try {
        return Json::parse(whole);
    } catch (const Json::exception &error) {
        const std::string reason = error.what(); // after the exception's own name
        throw std::runtime_error(reason.substr(std::min(reason.find("] ") + 2, reason.size())));
    }
}

std::vector<JsonScanner::Member> JsonScanner::members(std::size_t object, std::size_t most) const {
    std::vector<Member> found;
    std::size_t at = skip_space(object + 1);
    while (at < text_.size() && text_[at] == '"' && found.size() < most) {
        Member member;
        member.key = {at, skip_string(at)};
        member.value.begin = skip_space(skip_space(member.key.end) + 1);
        member.value.end = skip_value(member.value.begin);
        found.push_back(member);
        at = skip_space(member.value.end);
        at = at < text_.size() && text_[at] == ',' ? skip_space(at + 1) : at;
    }
    return found;
}

std::vector<Span> JsonScanner::elements(std::size_t array) const {
    std::vector<Span> found;
    std::size_t at = skip_space(array + 1);
    while (at < text_.size() && text_[at] != ']') {
        found.push_back({at, skip_value(at)});
        at = skip_space(found.back().end);
        at = at < text_.size() && text_[at] == ',' ? skip_space(at + 1) : at;
    }
    return found;
}

std::optional<Span> JsonScanner::value(std::size_t object, const std::string &key) const {
    std::optional<Span> found;
    for (const Member &member : members(object)) {
        if (Json::parse(text_.begin() + offset(member.key.begin), text_.begin() + offset(member.key.end)) == key) {
            found = member.value;
        }
    }
    return found;
}

std::size_t JsonScanner::skip_space(std::size_t at) const {
    return std::min(text_.find_first_not_of(" \t\r\n", at), text_.size());
}

std::size_t JsonScanner::skip_string(std::size_t at) const {
    do {
        at = text_.find('"', at + 1);
    } while (at != std::string::npos && is_escaped(at));
    return at == std::string::npos ? text_.size() : at + 1;
}

bool JsonScanner::is_escaped(std::size_t at) const {
    std::size_t first = at;
    while (first > 0 && text_[first - 1] == '\\') {
        --first;
    }
    return (at - first) % 2 == 1;
}

std::size_t JsonScanner::skip_value(std::size_t at) const {
    if (text_[at] == '"') {
        return skip_string(at);
    }
    if (text_[at] != '{' && text_[at] != '[') {
        return std::min(text_.find_first_of(",]} \t\r\n", at), text_.size());
    }
    int depth = 0;
    while (at < text_.size()) {
        const char c = text_[at];
        if (c == '"') {
            at = skip_string(at);
            continue;
        }
        depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
        ++at;
        if (depth == 0) {
            break;
        }
    }
    return at;
}

std::string changed_list(const std::string &text, std::size_t list, const std::vector<bool> &kept,
                         const std::vector<std::string> &added, const std::string &lead, const std::string &tail) {
    const JsonScanner scanner(text);
    const std::vector<Span> elements = scanner.elements(list);
    const auto part = [&](std::size_t begin, std::size_t end) { return text.substr(begin, end - begin); };
    std::string changed = part(0, list + 1);
    bool first = true;
    for (std::size_t index = 0; index < elements.size(); ++index) {
        if (index < kept.size() && !kept[index]) {
            continue;
        }
        // With the text before it: for the first one, that before the list's first.
        changed += first ? part(list + 1, elements.front().begin) : part(elements[index - 1].end, elements[index].begin);
        changed += part(elements[index].begin, elements[index].end);
        first = false;
    }
    for (const std::string &element : added) {
        changed += (first ? "" : ",") + lead + element;
        first = false;
    }
    const std::size_t last = elements.empty() ? list + 1 : elements.back().end;
    const std::size_t end = scanner.skip_space(last);
    return changed + (elements.empty() ? (added.empty() ? part(last, end) : tail) : part(last, end)) +
           part(end, text.size());
}

std::string dumped(const Json &value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

bool is_utf8(const std::string &text) {
    const Json back = Json::parse(dumped(Json(text)));
    return back == text;
}

JsonStyle::JsonStyle(const std::string &text, const JsonScanner &scanner) {
    const auto members = scanner.members(scanner.root(), 2);
    if (members.empty()) {
        return;
    }
    const auto between = [&](std::size_t begin, std::size_t end) { return text.substr(begin, end - begin); };
    const std::string before = between(scanner.root() + 1, members.front().key.begin);
    const std::size_t line = before.rfind('\n');
    lines_ = line != std::string::npos;
    newline_ = before.find("\r\n") != std::string::npos ? "\r\n" : "\n";
    unit_ = lines_ ? before.substr(line + 1) : "";
    colon_ = between(members.front().key.end, members.front().value.begin);
    if (!lines_ && members.size() > 1) {
        comma_ = between(members[0].value.end, members[1].key.begin);
    }
}

std::string JsonStyle::line(int depth) const {
    std::string text = lines_ ? newline_ : "";
    for (int level = 0; level < depth; ++level) {
        text += unit_;
    }
    return text;
}

std::string JsonStyle::write(const Json &value, int depth) const {
    if (!value.is_structured() || value.empty()) {
        return dumped(value);
    }
    std::string text = value.is_object() ? "{" : "[";
    bool first = true;
    for (const auto &[key, member] : value.items()) {
        text += lead(depth + 1, first) + (value.is_object() ? dumped(Json(key)) + colon_ : "") +
                write(member, depth + 1);
        first = false;
    }
    return text + line(depth) + (value.is_object() ? "}" : "]");
}

} // namespace kinescore::bridge
