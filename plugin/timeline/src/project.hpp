/// What the bridge between Rust and C++ calls.
#ifndef KINESCORE_TIMELINE_PROJECT_HPP
#define KINESCORE_TIMELINE_PROJECT_HPP

#include "../../bridge/reconciler.hpp"
#include "rust/cxx.h"

#include <memory>

namespace kinescore::bridge::rust {

struct Setting;
struct Item;
struct Order;
struct Outcome;
struct Status;
struct Workshop;

/// A project file. Nothing is thrown: what goes wrong is in the status that is returned.
class Project {
public:
    Status open(::rust::Str path);
    Status items(::rust::Vec<Item> &items);
    Status check_writable();
    Status add(Workshop &workshop, ::rust::Str item, const ::rust::Vec<Setting> &settings,
               ::rust::Vec<Outcome> &outcomes);
    Status refresh(Workshop &workshop, ::rust::Vec<Outcome> &outcomes);
    Status remove(::rust::Str item, ::rust::Vec<Outcome> &outcomes);

private:
    std::unique_ptr<Timeline> timeline_;
};

std::unique_ptr<Project> new_project();

} // namespace kinescore::bridge::rust

#endif
