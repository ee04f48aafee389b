#include "folder_lock.hpp"

#include "timeline.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

namespace kinescore::bridge {

FolderLock::FolderLock(const std::string &folder, std::chrono::milliseconds patience)
    : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) {
            continue;
        }
        if (errno != EWOULDBLOCK) {
            ::close(descriptor_); // no locks in this file system
            descriptor_ = -1;
            return;
        }
        if (std::chrono::steady_clock::now() >= end) {
            ::close(descriptor_);
            throw Problem(Problem::Kind::changed,
                          folder + ": another run of Kinescore has been writing here for more than " +
                              std::to_string(patience.count() / 1000) + " s; try again when it has ended");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

FolderLock::~FolderLock() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

} // namespace kinescore::bridge
