/*
 * The plugin's parameters: those of the settings, and those that name the clip and the files.
 */
#ifndef KINESCORE_OFX_PARAMETERS_HPP
#define KINESCORE_OFX_PARAMETERS_HPP

#include "host.hpp"
#include "settings_table.hpp"
#include "timeline.hpp"

#include <string>

namespace kinescore::ofx {

/// Names of the parameters other than the settings; projects contain them, so they must never
/// change.
namespace name {
constexpr const char *generate = "generate";
constexpr const char *update = "update";
constexpr const char *show = "show";
constexpr const char *status = "status";
constexpr const char *follow = "follow";
constexpr const char *media = "media";
constexpr const char *media_start = "media_start";
constexpr const char *media_end = "media_end";
constexpr const char *folder = "folder";
constexpr const char *file_name = "file_name";
constexpr const char *result = "result";   ///< Hidden: what was made, and of what (JSON).
constexpr const char *choices = "choices"; ///< Hidden: the words of the choices (JSON).
} // namespace name

/// Describes all parameters to the host. Those that it refuses keep their defaults.
void define_parameters(const Suites &suites, OfxParamSetHandle set);

/// The parameters of an instance.
class Parameters {
public:
    Parameters(const Suites &suites, OfxParamSetHandle set) : suites_(&suites), set_(set) {}

    bool flag(const char *name, bool otherwise) const;
    int whole(const char *name, int otherwise) const;
    double number(const char *name, double otherwise) const;
    std::string text(const char *name) const;

    /// Only while the host allows it: never in a render.
    void set_text(const char *name, const std::string &value) const;

    /// Settings of the core that are not at their defaults.
    bridge::Settings settings() const;

    /// Hosts save the number of a choice's word, which may differ in a later release with more
    /// words. So the words are saved too: `keep_words` records the current choices, and
    /// `place_choices` gives each choice the number that its word has in this release. Both set
    /// parameters: only while the host allows it.
    void keep_words() const;
    void place_choices() const;

    /// Greys out the numbers that are left to the core.
    void show_what_counts() const;

private:
    OfxParamHandle handle(const char *name) const;
    std::string chosen_word(const SettingRow &row) const;
    /// The word that is chosen in place of a number; "" if the number counts.
    std::string word_for_number(const SettingRow &row) const;

    const Suites *suites_;
    OfxParamSetHandle set_;
};

} // namespace kinescore::ofx

#endif
