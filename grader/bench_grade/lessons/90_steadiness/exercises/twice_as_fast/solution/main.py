def count_odd(steps):
    odd = 0
    for number in range(steps):
        odd += number & 1
    return odd
