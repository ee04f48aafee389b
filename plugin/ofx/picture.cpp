#include "picture.hpp"

#include "timeline.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace kinescore::ofx {

namespace {

std::size_t channels_of(const std::string &components) {
    if (components == kOfxImageComponentRGBA) {
        return 4;
    }
    if (components == kOfxImageComponentRGB) {
        return 3;
    }
    return components == kOfxImageComponentAlpha ? 1 : 0;
}

std::size_t bytes_of(const std::string &depth) {
    if (depth == kOfxBitDepthByte) {
        return 1;
    }
    if (depth == kOfxBitDepthShort || depth == kOfxBitDepthHalf) {
        return 2;
    }
    return depth == kOfxBitDepthFloat ? 4 : 0;
}

/// A half-precision number (IEEE 754 binary16).
float float_of(std::uint16_t half) {
    const int exponent = (half >> 10) & 0x1f;
    const int fraction = half & 0x3ff;
    float value = 0.0F;
    if (exponent == 0) {
        value = std::ldexp(static_cast<float>(fraction), -24);
    } else if (exponent < 31) {
        value = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
    } else {
        value = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
    }
    return (half & 0x8000) != 0 ? -value : value;
}

OfxRectI common(const OfxRectI &one, const OfxRectI &other) {
    return {std::max(one.x1, other.x1), std::max(one.y1, other.y1), std::min(one.x2, other.x2),
            std::min(one.y2, other.y2)};
}

bool is_empty(const OfxRectI &area) { return area.x1 >= area.x2 || area.y1 >= area.y2; }

} // namespace

std::optional<Picture> Picture::fetch(const Suites &suites, OfxImageClipHandle clip, double time) {
    OfxPropertySetHandle image = nullptr;
    if (clip == nullptr || suites.effects->clipGetImage(clip, time, nullptr, &image) != kOfxStatOK || image == nullptr) {
        return std::nullopt;
    }
    Picture picture(suites, image);
    if (picture.data_ == nullptr) {
        return std::nullopt;
    }
    return picture;
}

Picture::Picture(const Suites &suites, OfxPropertySetHandle image) : suites_(&suites), image_(image) {
    const Properties properties(suites, image);
    data_ = static_cast<std::byte *>(properties.pointer(kOfxImagePropData));
    bounds_ = {properties.whole(kOfxImagePropBounds, 0).value_or(0), properties.whole(kOfxImagePropBounds, 1).value_or(0),
               properties.whole(kOfxImagePropBounds, 2).value_or(0), properties.whole(kOfxImagePropBounds, 3).value_or(0)};
    row_bytes_ = properties.whole(kOfxImagePropRowBytes).value_or(0);
    components_ = properties.text(kOfxImageEffectPropComponents).value_or("");
    depth_ = properties.text(kOfxImageEffectPropPixelDepth).value_or("");
    pixel_bytes_ = channels_of(components_) * bytes_of(depth_);
}

Picture::Picture(Picture &&other) noexcept
    : suites_(other.suites_), image_(other.image_), data_(other.data_), bounds_(other.bounds_), row_bytes_(other.row_bytes_),
      components_(std::move(other.components_)), depth_(std::move(other.depth_)), pixel_bytes_(other.pixel_bytes_) {
    other.image_ = nullptr;
}

Picture::~Picture() {
    if (image_ != nullptr) {
        suites_->effects->clipReleaseImage(image_);
    }
}

std::byte *Picture::at(int x, int y) const noexcept {
    return data_ + (std::ptrdiff_t{y} - bounds_.y1) * row_bytes_ +
           (std::ptrdiff_t{x} - bounds_.x1) * static_cast<std::ptrdiff_t>(pixel_bytes_);
}

void Picture::clear(const OfxRectI &window) const {
    const OfxRectI area = common(window, bounds_);
    for (int y = area.y1; y < area.y2 && !is_empty(area); ++y) {
        std::memset(at(area.x1, y), 0, static_cast<std::size_t>(area.x2 - area.x1) * pixel_bytes_);
    }
}

bool Picture::copy(const Picture &from, const OfxRectI &window) const {
    if (pixel_bytes_ == 0 || components_ != from.components_ || depth_ != from.depth_) {
        return false;
    }
    const OfxRectI target = common(window, bounds_);
    const OfxRectI there = common(target, from.bounds_);
    if (is_empty(there) || std::memcmp(&there, &target, sizeof there) != 0) {
        clear(target);
    }
    for (int y = there.y1; y < there.y2 && !is_empty(there); ++y) {
        // A host may return the same memory for both.
        std::memmove(at(there.x1, y), from.at(there.x1, y), static_cast<std::size_t>(there.x2 - there.x1) * pixel_bytes_);
    }
    return true;
}

kinescore_frame Picture::frame(double time, const std::string &name, std::vector<float> &converted) const {
    const std::size_t channels = channels_of(components_);
    if (pixel_bytes_ == 0 || channels < 3 || is_empty(bounds_)) {
        throw bridge::Problem(bridge::Problem::Kind::input,
                              name + ": its pictures have components \"" + components_ + "\" and depth \"" + depth_ +
                                  "\"; expected RGB or RGBA of 8 or 16 bits, half or float");
    }
    const int width = bounds_.x2 - bounds_.x1;
    const int height = bounds_.y2 - bounds_.y1;
    kinescore_frame frame{};
    frame.struct_size = static_cast<std::uint32_t>(sizeof frame);
    frame.layout = channels == 4 ? KINESCORE_LAYOUT_RGBA : KINESCORE_LAYOUT_RGB;
    frame.width = static_cast<std::uint32_t>(width);
    frame.height = static_cast<std::uint32_t>(height);
    frame.time = time;
    // OpenFX counts rows from the bottom.
    frame.stride = -row_bytes_;
    frame.pixels = at(bounds_.x1, bounds_.y2 - 1);
    if (depth_ == kOfxBitDepthByte) {
        frame.depth = KINESCORE_DEPTH_U8;
    } else if (depth_ == kOfxBitDepthShort) {
        frame.depth = KINESCORE_DEPTH_U16;
    } else {
        frame.depth = KINESCORE_DEPTH_F32;
    }
    if (depth_ == kOfxBitDepthHalf) {
        const std::size_t row = static_cast<std::size_t>(width) * channels;
        converted.resize(row * static_cast<std::size_t>(height));
        auto out = converted.begin();
        for (int y = bounds_.y2 - 1; y >= bounds_.y1; --y) {
            const std::byte *in = at(bounds_.x1, y);
            for (std::size_t index = 0; index < row; ++index) {
                std::uint16_t half = 0;
                std::memcpy(&half, in + 2 * index, sizeof half);
                *out++ = float_of(half);
            }
        }
        frame.stride = static_cast<std::int64_t>(row * sizeof(float));
        frame.pixels = converted.data();
    }
    return frame;
}

} // namespace kinescore::ofx
