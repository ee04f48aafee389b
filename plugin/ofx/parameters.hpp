/*
 * The plugin's parameters: those of the settings, and those that tell what is made of what, and where to.
 */
#ifndef KINESCORE_OFX_PARAMETERS_HPP
#define KINESCORE_OFX_PARAMETERS_HPP

#include "host.hpp"
#include "timeline.hpp"

#include <string>

namespace kinescore::ofx {

/// Names of the parameters beside the settings; projects hold them, so that they never change.
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
constexpr const char *result = "result"; ///< Not shown: what was made, of what (JSON).
} // namespace name

/// Describes all parameters to the host. Those that it refuses have their defaults for ever.
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

    /// Greys out the numbers that are left to the core.
    void show_what_counts() const;

private:
    OfxParamHandle handle(const char *name) const;

    const Suites *suites_;
    OfxParamSetHandle set_;
};

} // namespace kinescore::ofx

#endif
