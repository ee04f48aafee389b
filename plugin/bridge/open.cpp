#include "open.hpp"

#include "kdenlive.hpp"
#include "mlt.hpp"
#include "otio.hpp"
#include "project_file.hpp"

namespace kinescore::bridge {

std::unique_ptr<Timeline> open_project(const std::string &path) {
    const ProjectFile file(path);
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
                  path + ": is no project that can be edited; allowed are projects of MLT and Shotcut (.mlt), Kdenlive "
                         "(.kdenlive) and OpenTimelineIO (.otio)");
}

} // namespace kinescore::bridge
