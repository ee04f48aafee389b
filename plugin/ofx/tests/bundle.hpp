/*
 * The bundle as installed by `kinescore install ofx`, in its own folder, with the tests' other
 * files beside it.
 */
#ifndef KINESCORE_OFX_TESTS_BUNDLE_HPP
#define KINESCORE_OFX_TESTS_BUNDLE_HPP

#include "host.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kinescore::ofx_test {

/// The plugin's identifier, which projects contain.
constexpr const char *identifier = "org.kinescore.Soundtrack";

/// The fake core, one with another interface version, and the real one ("" if there is none):
/// paths.
extern const std::string fake_core;
extern const std::string wrong_core;
extern const std::string real_core;

/// The built bundles: the plugin, and the same one with more words in its choices.
extern const std::string this_release;
extern const std::string later_release;

class Bundle {
public:
    /// Installs the plugin with a core; "": without one. The fake core records its calls, and there
    /// is no cache.
    explicit Bundle(const std::string &core = fake_core, const std::string &plugin = this_release);
    ~Bundle(); ///< Removes everything.
    Bundle(const Bundle &) = delete;
    Bundle &operator=(const Bundle &) = delete;

    /// Folder in which hosts search for plugins.
    std::string plugins() const { return folder_ / "plugins"; }

    /// Path of the plugin's library.
    std::string binary() const;

    /// Names another core from now on; "": none.
    void install(const std::string &core) const;

    /// A folder for clips and results.
    std::string work() const { return folder_ / "work"; }

    /// Writes a file in `work` and returns its path.
    std::string file(const std::string &name, const std::string &text) const;

    /// A file that the fake core accepts as a video; created once.
    std::string clip(const std::string &name = "dance.mp4") const;

    /// Names of the files in a folder within `work`, sorted.
    std::vector<std::string> names(const std::string &folder = "") const;

    /// Functions of the fake core called since the last `forget_calls`.
    std::vector<std::string> calls() const;
    void forget_calls() const;

private:
    std::filesystem::path folder_;
};

/// The content of a file.
std::string text_of(const std::filesystem::path &path);

/// Whether `text` contains `part`.
bool has(const std::string &text, const std::string &part);

/// An instance on a clip of 100 frames, 25 a second, with a media file and follow off.
std::unique_ptr<TestInstance> on_media(TestHost &host, const std::string &media, Values more = {});

} // namespace kinescore::ofx_test

#endif
