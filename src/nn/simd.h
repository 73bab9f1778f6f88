// SIMD packets under names of our own for those of Eigen: AVX-512, AVX2, SSE or NEON, whatever the
// build targets, and scalars where there is no SIMD.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <Eigen/Core>

namespace mascing::nn {

template <typename Scalar>
using Packet = typename Eigen::internal::packet_traits<Scalar>::type;

/// Numbers in a packet.
template <typename Scalar>
inline constexpr int64_t kLanes = Eigen::internal::unpacket_traits<Packet<Scalar>>::size;

/// From any address.
template <typename Scalar>
inline Packet<Scalar> load(const Scalar* from) {
  return Eigen::internal::ploadu<Packet<Scalar>>(from);
}

template <typename Scalar>
inline void store(Scalar* to, const Packet<Scalar>& packet) {
  Eigen::internal::pstoreu(to, packet);
}

/// The same number in all lanes.
template <typename Scalar>
inline Packet<Scalar> broadcast(Scalar value) {
  return Eigen::internal::pset1<Packet<Scalar>>(value);
}

/// a * b + c, rounded once where the processor can.
template <typename P>
inline P multiply_add(const P& a, const P& b, const P& c) {
  return Eigen::internal::pmadd(a, b, c);
}

/// Sum of the lanes, always in the same order.
template <typename P>
inline auto sum_lanes(const P& packet) {
  return Eigen::internal::predux(packet);
}

/// Calls work(0) .. work(n - 1) with compile-time numbers, so that arrays indexed by them stay in
/// registers.
template <int64_t... kIndex, typename Work>
inline void unrolled(std::integer_sequence<int64_t, kIndex...> /*indices*/, const Work& work) {
  (work(std::integral_constant<int64_t, kIndex>()), ...);
}
template <int64_t kCount, typename Work>
inline void unrolled(const Work& work) {
  unrolled(std::make_integer_sequence<int64_t, kCount>(), work);
}

}  // namespace mascing::nn
