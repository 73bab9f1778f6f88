"""The random number generator of src/base/random.h in Python: the same seed gives the same numbers."""

BITS = (1 << 64) - 1


def rotl(value, n):
    return ((value << n) | (value >> (64 - n))) & BITS


def splitmix64(state):
    """(next state, number)"""
    state = (state + 0x9E3779B97F4A7C15) & BITS
    z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & BITS
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & BITS
    return state, z ^ (z >> 31)


def mix_seed(a, b):
    return splitmix64(splitmix64(a)[1] ^ rotl(b, 32))[1]


class Rng:
    def __init__(self, seed):
        self.state = []
        for _ in range(4):
            seed, word = splitmix64(seed)
            self.state.append(word)

    def next(self):
        s = self.state
        result = (rotl((s[1] * 5) & BITS, 7) * 9) & BITS
        shifted = (s[1] << 17) & BITS
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= shifted
        s[3] = rotl(s[3], 45)
        return result

    def uniform(self):
        return (self.next() >> 11) * 2.0**-53

    def below(self, n):
        if n <= 1:
            return 0
        first_fair = (1 << 64) % n
        bits = self.next()
        while bits < first_fair:
            bits = self.next()
        return bits % n

    def shuffle(self, values):
        for i in range(len(values) - 1, 0, -1):
            j = self.below(i + 1)
            values[i], values[j] = values[j], values[i]
