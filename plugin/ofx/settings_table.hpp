/*
 * The core's table of settings at the time when the plugin was built: describing the plugin must
 * not load the core.
 */
#ifndef KINESCORE_OFX_SETTINGS_TABLE_HPP
#define KINESCORE_OFX_SETTINGS_TABLE_HPP

#include <string>
#include <vector>

namespace kinescore::ofx {

/// A setting of the core.
struct SettingRow {
    enum class Kind { choice, list, text, number, whole };

    std::string key;                ///< Such as "drums.style".
    std::string name;               ///< The parameter's name: "drums_style".
    std::string label;              ///< For people: "Style".
    std::string help;
    Kind kind = Kind::text;
    bool has_auto = false;          ///< "auto" is a value as well.
    std::string default_value;
    /// Of a choice or list, or allowed in place of a number; without the "auto" of `has_auto`.
    std::vector<std::string> words;
    double least = 0.0;             ///< Of numbers.
    double most = 0.0;
};

/// The settings that affect a soundtrack itself, in the core's order.
const std::vector<SettingRow> &settings_table();

} // namespace kinescore::ofx

#endif
