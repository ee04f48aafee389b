#include "open.hpp"

#include "kdenlive.hpp"
#include "mlt.hpp"
#include "otio.hpp"
#include "project_file.hpp"

#include <filesystem>

namespace kinescore::bridge {

namespace {

/// Why a file that is no project of a known kind is none: what people most often bring.
std::string why_not(const std::string &bytes) {
    const auto begins = [&](const std::string &mark) { return bytes.compare(0, mark.size(), mark) == 0; };
    if (begins("\xFF\xFE") || begins("\xFE\xFF") || begins(std::string("<\0", 2)) || begins(std::string("\0<", 2))) {
        return "is written in UTF-16, and only UTF-8 is read: save it as UTF-8";
    }
    if (begins("PK\x03\x04")) {
        return "is a zip archive, as .otioz bundles are: unpack it, and open the .otio file in it";
    }
    return "";
}

} // namespace

std::unique_ptr<Timeline> open_project(const std::string &path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
        throw Problem(Problem::Kind::input,
                      path + ": is a folder, and not a project; of an .otiod bundle, open the .otio file in it");
    }
    const ProjectFile file(path);
    if (const std::string reason = why_not(file.bytes()); !reason.empty()) {
        throw Problem(Problem::Kind::input, file.path() + ": " + reason);
    }
    if (KdenliveProject::is(file.bytes())) {
        return KdenliveProject::open(path);
    }
    if (MltProject::is(file.bytes())) {
        return MltProject::open(path);
    }
    if (OtioProject::is(file.bytes())) {
        return OtioProject::open(path);
    }
    throw Problem(Problem::Kind::input,
                  path + ": is not a project that can be edited; allowed are projects of MLT and Shotcut (.mlt), Kdenlive "
                         "(.kdenlive) and OpenTimelineIO (.otio)");
}

} // namespace kinescore::bridge
