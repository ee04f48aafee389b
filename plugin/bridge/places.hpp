/*
 * Where an installed plugin finds libkinescore and its resources.
 */
#ifndef KINESCORE_BRIDGE_PLACES_HPP
#define KINESCORE_BRIDGE_PLACES_HPP

#include "core.hpp"

#include <string>

namespace kinescore::bridge {

/// The places that `kinescore install` has written into the file `places` (JSON: library, models,
/// onnxruntime); without such a file, `library`. As on the command line, KINESCORE_MODELS,
/// KINESCORE_ONNXRUNTIME and KINESCORE_CACHE in the environment take precedence, and poses are kept
/// in the user's cache folder. Throws Problem (core) for a file that cannot be read.
CorePlaces find_places(const std::string &places, const std::string &library);

} // namespace kinescore::bridge

#endif
