#include "ges_file.hpp"

#include "project_file.hpp"
#include "timeline.hpp"
#include "url.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds longest_load(60);

/// A project that is being loaded from a file into a timeline.
struct Loading {
    bool done = false;
    std::string failure;

    void fail(const std::string &sentence) { failure = failure.empty() ? sentence : failure; } // keeps the first
};

void on_loaded(Loading *loading) { loading->done = true; }

void on_missing(Loading *loading, GError *error, GESAsset *asset) {
    loading->fail(std::string("its media '") + ges_asset_get_id(asset) + "' cannot be read: " + error->message);
}

void on_bad_asset(Loading *loading, GError *error, gchar *id) {
    loading->fail(std::string("its media '") + id + "' cannot be read: " + error->message);
}

void on_bad_project(Loading *loading, GESTimeline *, GError *error) {
    loading->fail(error->message);
    loading->done = true;
}

/// A temporary folder that is removed when the object goes out of scope.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::error_code error;
        path_ = (fs::temp_directory_path(error) / "kinescore-ges-XXXXXX").string();
        if (error || ::mkdtemp(path_.data()) == nullptr) {
            throw Problem(Problem::Kind::output, path_ + ": a folder cannot be created there:  " + std::strerror(errno));
        }
    }
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;
    ~TemporaryFolder() {
        std::error_code ignored; // nothing more can be done
        fs::remove_all(path_, ignored);
    }

    std::string operator/(const std::string &name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

} // namespace

std::string uri_of(const std::string &path) {
    GErrorOwner fault;
    const Text uri(gst_filename_to_uri(path.c_str(), fault.out()));
    if (!uri) {
        throw Problem(Problem::Kind::input, path + ": is not the name of a file: " + fault.sentence());
    }
    return uri.get();
}

std::string path_of_uri(const gchar *uri) {
    // The URI of a file on another computer is not a path on this one.
    const bool is_here = uri != nullptr && local_part(uri);
    const Text path(is_here ? g_filename_from_uri(uri, nullptr, nullptr) : nullptr);
    return path ? path.get() : "";
}

Ref<GESTimeline> loaded(const std::string &path) {
    const Ref<GESProject> project(ges_project_new(uri_of(path).c_str()));
    Loading loading;
    const auto connect = [&](const char *signal, GCallback callback) {
        g_signal_connect_data(project.get(), signal, callback, &loading, nullptr, G_CONNECT_SWAPPED);
    };
    connect("loaded", G_CALLBACK(on_loaded));
    connect("missing-uri", G_CALLBACK(+[](Loading *at, GError *error, GESAsset *asset) -> gchar * {
                on_missing(at, error, asset);
                return nullptr; // nobody knows where it is
            }));
    connect("error-loading-asset", G_CALLBACK(on_bad_asset));
    connect("error-loading", G_CALLBACK(on_bad_project));
    GErrorOwner fault;
    GESExtractable *extracted = ges_asset_extract(GES_ASSET(project.get()), fault.out());
    if (extracted == nullptr) {
        throw Problem(Problem::Kind::input, path + ": cannot be read as a project of GES: " + fault.sentence());
    }
    Ref<GESTimeline> timeline(GES_TIMELINE(g_object_ref_sink(extracted)));
    const auto end = std::chrono::steady_clock::now() + longest_load;
    while (!loading.done && std::chrono::steady_clock::now() < end) {
        if (!g_main_context_iteration(nullptr, FALSE)) {
            g_usleep(2'000);
        }
    }
    g_signal_handlers_disconnect_by_data(project.get(), &loading);
    if (!loading.done && loading.failure.empty()) {
        loading.failure = "it was not loaded within " + std::to_string(longest_load.count()) + " s";
    }
    if (!loading.failure.empty()) {
        throw Problem(Problem::Kind::input, path + ": cannot be opened: " + loading.failure);
    }
    return timeline;
}

std::string written_text(GESTimeline *timeline, const std::string &path) {
    const TemporaryFolder folder_of_copy;
    const std::string copy = folder_of_copy / "timeline.xges";
    GErrorOwner fault;
    if (!ges_timeline_save_to_uri(timeline, uri_of(copy).c_str(), nullptr, TRUE, fault.out())) {
        throw Problem(Problem::Kind::output, path + ": cannot be written: " + fault.sentence());
    }
    return ProjectFile(copy).bytes();
}

} // namespace kinescore::bridge
