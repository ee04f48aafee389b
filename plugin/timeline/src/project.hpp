/// The C++ side of the bridge between Rust and C++.
#ifndef KINESCORE_TIMELINE_PROJECT_HPP
#define KINESCORE_TIMELINE_PROJECT_HPP

#include "../../bridge/reconciler.hpp"
#include "rust/cxx.h"

#include <memory>

namespace kinescore::bridge::rust {

struct Setting;
struct Item;
struct SoundOrder;
struct ItemOutcome;
struct Status;
struct MakerHandle;
struct MediaHandle;

/// A project file. Nothing is thrown: failures are in the returned status.
class Project {
public:
    Status open(::rust::Str path, const ::rust::Vec<::rust::String> &media_folders, ::rust::Str timeline,
                ::rust::Box<MediaHandle> media);
    Status open_bundle(::rust::Str path, ::rust::Slice<const std::uint8_t> content,
                       const ::rust::Vec<::rust::String> &media_folders, ::rust::Str timeline,
                       ::rust::Box<MediaHandle> media);
    Status items(bool examined, ::rust::Vec<Item> &items);
    Status check_writable();
    Status add(MakerHandle &workshop, ::rust::Str item, const ::rust::Vec<Setting> &settings,
               bool beats, ::rust::Vec<ItemOutcome> &outcomes);
    Status refresh(MakerHandle &workshop, bool beats, ::rust::Vec<ItemOutcome> &outcomes);
    Status remove(::rust::Str item, ::rust::Vec<ItemOutcome> &outcomes);

private:
    std::unique_ptr<Timeline> timeline_;
};

std::unique_ptr<Project> new_project();

} // namespace kinescore::bridge::rust

#endif
