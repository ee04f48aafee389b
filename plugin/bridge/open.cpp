#include "open.hpp"

#include "kdenlive.hpp"
#include "media_finder.hpp"
#include "mlt.hpp"
#include "otio.hpp"
#include "project_file.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

namespace kinescore::bridge {

namespace {

/// Why a file is not a project of a known kind, for the most common mistakes.
std::string why_not(const std::string &bytes) {
    const auto begins = [&](const std::string &mark) { return bytes.compare(0, mark.size(), mark) == 0; };
    if (begins("\xFF\xFE") || begins("\xFE\xFF") || begins(std::string("<\0", 2)) || begins(std::string("\0<", 2))) {
        return "is written in UTF-16, and only UTF-8 is read: save it as UTF-8";
    }
    if (bytes.substr(0, 8192).find("<ges") != std::string::npos) {
        return "is a project of GStreamer Editing Services (.xges), which is edited by `kinescore-ges`, another program";
    }
    if (begins("PK\x03\x04")) {
        return "is a zip archive, as .otioz bundles are: unpack it, and open the .otio file in it";
    }
    return "";
}

/// Maximum nesting of projects in projects.
constexpr std::size_t deepest_projects = 8;

/// The project in a bundle of OpenTimelineIO that is a folder; the path itself for all others.
std::string project_in(const std::string &path) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
        return path;
    }
    const std::string inside = path + "/content.otio";
    if (!std::filesystem::is_regular_file(inside, error)) {
        throw Problem(Problem::Kind::input, path + ": is a folder without a content.otio, and not a project");
    }
    return inside;
}

/// `around`: the projects that contain this one as a clip, and itself.
std::unique_ptr<Timeline> open_file(const ProjectFile &file, const std::string &timeline,
                                    const std::vector<std::string> &around) {
    if (const std::string reason = why_not(file.bytes()); !reason.empty()) {
        throw Problem(Problem::Kind::input, file.path() + ": " + reason);
    }
    const NestedReader nested = [around](const std::string &path) {
        const ProjectFile inner(path);
        if (std::find(around.begin(), around.end(), inner.path()) != around.end()) {
            throw Problem(Problem::Kind::input, inner.path() + ": is a project that contains itself");
        }
        if (around.size() > deepest_projects) {
            throw Problem(Problem::Kind::input, inner.path() + ": is a project in more than " +
                                                    std::to_string(deepest_projects) +
                                                    " others, and so many are not read");
        }
        std::vector<std::string> all = around;
        all.push_back(inner.path());
        return open_file(inner, "", all)->items();
    };
    const bool is_mlt = KdenliveProject::is(file.bytes()) || MltProject::is(file.bytes());
    if (is_mlt && !timeline.empty()) {
        throw Problem(Problem::Kind::usage, file.path() + ": has only one timeline, so none can be chosen");
    }
    if (KdenliveProject::is(file.bytes())) {
        return KdenliveProject::open(file.path(), nested);
    }
    if (is_mlt) {
        return MltProject::open(file.path(), nested);
    }
    if (OtioProject::is(file.bytes())) {
        return OtioProject::open(file.path(), timeline);
    }
    throw Problem(Problem::Kind::input,
                  file.path() + ": is not a project that can be edited; expected a project of MLT and Shotcut (.mlt), "
                                "Kdenlive (.kdenlive) or OpenTimelineIO (.otio, .otiod; .otioz only to list)");
}

} // namespace

std::unique_ptr<Timeline> open_bundle(const std::string &path, const std::string &content,
                                      const OpenOptions &options) {
    return with_media(OtioProject::of_bundle(path, content, options.timeline), options.media_folders,
                      options.open_media);
}

std::unique_ptr<Timeline> open_project(const std::string &path, const OpenOptions &options) {
    const ProjectFile file(project_in(path));
    return with_media(open_file(file, options.timeline, {file.path()}), options.media_folders, options.open_media);
}

} // namespace kinescore::bridge
