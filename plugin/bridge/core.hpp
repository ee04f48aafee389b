/*
 * libkinescore as a maker of soundtracks, opened when the first one is wanted: an editor loads every plugin at its start.
 */
#ifndef KINESCORE_BRIDGE_CORE_HPP
#define KINESCORE_BRIDGE_CORE_HPP

#include "maker.hpp"

#include <memory>
#include <string>

namespace kinescore::bridge {

/// Where the core and what it needs are. Empty texts but the first stand for the core's defaults.
struct CorePlaces {
    std::string library; ///< Absolute path of libkinescore.
    std::string models;
    std::string onnxruntime;
    std::string soundfont;
    std::string cache;
};

/// Soundtracks by libkinescore, which is opened by its absolute path at the first use. Where it is missing, is no such library, or has
/// another interface than the one that this was built for, every call throws Problem (core) with a sentence for the user; it is tried
/// again each time, so that mending it helps without a restart.
class Core : public Maker {
public:
    explicit Core(CorePlaces places);
    ~Core() override;

    std::string key(const Order &order) override;
    void make(const Order &order, const std::string &wav, const Progress &progress) override;

private:
    struct Opened;
    Opened &opened();

    CorePlaces places_;
    std::unique_ptr<Opened> opened_;
};

} // namespace kinescore::bridge

#endif
