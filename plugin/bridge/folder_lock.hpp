/*
 * A lock on a folder that all runs of Kinescore respect.
 */
#ifndef KINESCORE_BRIDGE_FOLDER_LOCK_HPP
#define KINESCORE_BRIDGE_FOLDER_LOCK_HPP

#include <chrono>
#include <string>

namespace kinescore::bridge {

/// Holds a folder for as long as the object lives, so that what was read there is still true when
/// it is acted upon. It is held only for moments, never while sound is made.
///
/// The lock is on the folder itself (flock), so that no file is left behind and the lock of a
/// killed process is released. Where the file system has no such locks (some network file systems),
/// or the folder does not exist, nothing is held: files are still reserved exclusively.
class FolderLock {
public:
    /// Waits for the folder. Throws Problem (changed) if another process holds it for longer than
    /// `patience`.
    explicit FolderLock(const std::string &folder, std::chrono::milliseconds patience = std::chrono::seconds(30));
    FolderLock(const FolderLock &) = delete;
    FolderLock &operator=(const FolderLock &) = delete;
    ~FolderLock();

private:
    int descriptor_ = -1;
};

} // namespace kinescore::bridge

#endif
