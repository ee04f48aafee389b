/*
 * XML of a project that is edited as text: what is not touched stays byte for byte.
 *
 * pugixml reads the tree, and what it says of offsets tells where an element lies in the text. Changes are collected
 * and then put into the text all at once; after that the tree is read anew, so nodes from before must no longer be
 * used.
 */
#ifndef KINESCORE_BRIDGE_XML_HPP
#define KINESCORE_BRIDGE_XML_HPP

#include <cstddef>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <unordered_map>
#include <vector>

namespace kinescore::bridge {

/// A text safe as the content of an element or an attribute's value. Throws Problem (input) where XML cannot hold it at
/// all, as text that is not UTF-8.
std::string xml_escape(const std::string &text);

class XmlText {
public:
    /// Reads the text of a file; `name` is how problems call it. Throws Problem (input) where it is no XML in UTF-8.
    XmlText(std::string bytes, std::string name);

    const std::string &bytes() const noexcept { return bytes_; }
    const std::string &name() const noexcept { return name_; }

    /// The outermost element.
    pugi::xml_node root() const { return document_.document_element(); }

    /// Sets an attribute; it is added behind the others where it is missing. None takes it away.
    void set_attribute(pugi::xml_node element, const std::string &attribute, const std::optional<std::string> &value);

    /// Replaces all that is inside an element by a text.
    void set_text(pugi::xml_node element, const std::string &text);

    /// The same with what is XML already.
    void set_raw(pugi::xml_node element, const std::string &raw);

    /// What is inside of an element, as it stands in the file.
    std::string raw(pugi::xml_node element) const;

    /// An element as it stands in the file, without the indent of its first line: as the calls below take lines.
    std::string outer(pugi::xml_node element) const;

    /// Puts lines of XML, each with the indent that it has relative to the first, before or after an element, or at the
    /// beginning of one that is a parent. Lines that are put at one place come in the order of the calls.
    void insert_before(pugi::xml_node element, const std::string &lines);
    void insert_after(pugi::xml_node element, const std::string &lines);
    void insert_first(pugi::xml_node parent, const std::string &lines);

    /// Takes an element away, with the line end and indent before it: what insert put there.
    void erase(pugi::xml_node element);

    /// Replaces siblings, from one up to another, by lines.
    void replace(pugi::xml_node first, pugi::xml_node last, const std::string &lines);

    /// The white space that one level of the tree is indented by.
    std::string step() const;

    /// Puts all changes since the last call into the text.
    void apply();

    /// Goes back to a text that was there before.
    void reset(std::string bytes);

private:
    struct Extent {
        std::size_t begin = 0; ///< Of "<name".
        std::size_t inner = 0; ///< Behind the ">" of the start tag.
        std::size_t close = 0; ///< Of "</name"; of "/>" where there is no end tag.
        std::size_t end = 0;   ///< Behind the element.
        bool closed = false;   ///< There is no end tag.
    };

    struct Change {
        std::size_t begin;
        std::size_t end;
        std::string text;
    };

    void read();
    void scan();
    std::size_t scan_tag(std::size_t at, std::vector<std::size_t> &open);
    const Extent &extent(pugi::xml_node element) const;
    std::size_t line_break_before(std::size_t at) const;
    std::string indent_of(pugi::xml_node element) const;
    std::string indented(const std::string &lines, const std::string &indent) const;

    std::string bytes_;
    std::string name_;
    std::string line_end_ = "\n";
    pugi::xml_document document_;
    std::unordered_map<std::size_t, Extent> extents_; ///< By the offset of the name.
    std::vector<Change> changes_;
};

} // namespace kinescore::bridge

#endif
