/*
 * XML of a project that is edited as text: unchanged parts stay byte for byte.
 *
 * pugixml reads the tree, and its offsets give the position of each element in the text. Changes
 * are collected and then applied to the text all at once; after that the tree is read again, so
 * earlier nodes must no longer be used.
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

/// Escapes a text for use as the content of an element or an attribute's value. Throws Problem
/// (input) if XML cannot hold it at all, for example if it is not UTF-8.
std::string xml_escape(const std::string &text);

class XmlText {
public:
    /// Reads the text of a file; `name` identifies it in problems. Throws Problem (input) if it is
    /// not XML in UTF-8.
    XmlText(std::string bytes, std::string name);

    const std::string &bytes() const noexcept { return bytes_; }
    const std::string &name() const noexcept { return name_; }

    /// The outermost element.
    pugi::xml_node root() const { return document_.document_element(); }

    /// Sets an attribute; a missing one is added after the others. `nullopt` removes it.
    void set_attribute(pugi::xml_node element, const std::string &attribute, const std::optional<std::string> &value);

    /// Replaces everything inside an element by a text.
    void set_text(pugi::xml_node element, const std::string &text);

    /// The same for text that is already XML.
    void set_raw(pugi::xml_node element, const std::string &raw);

    /// The content of an element, as it is in the file.
    std::string raw(pugi::xml_node element) const;

    /// An element as it is in the file, without the indent of its first line: in the form in which
    /// the calls below take lines.
    std::string outer(pugi::xml_node element) const;

    /// Inserts lines of XML, each with its indent relative to the first, before or after an
    /// element, or at the beginning of a parent. Lines inserted at one position are in the order of
    /// the calls.
    void insert_before(pugi::xml_node element, const std::string &lines);
    void insert_after(pugi::xml_node element, const std::string &lines);
    void insert_first(pugi::xml_node parent, const std::string &lines);

    /// Removes an element, with the line end and indent before it: the inverse of insert.
    void erase(pugi::xml_node element);

    /// Replaces siblings, from one up to another, by lines.
    void replace(pugi::xml_node first, pugi::xml_node last, const std::string &lines);

    /// The white space by which one level of the tree is indented.
    std::string step() const;

    /// Applies all changes since the last call to the text.
    void apply();

    /// Returns to an earlier text.
    void reset(std::string bytes);

private:
    struct Extent {
        std::size_t begin = 0; ///< Of "<name".
        std::size_t inner = 0; ///< After the ">" of the start tag.
        std::size_t close = 0; ///< Of "</name"; of "/>" if there is no end tag.
        std::size_t end = 0;   ///< After the element.
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
