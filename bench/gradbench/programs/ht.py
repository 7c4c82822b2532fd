"""ht: hand tracking. A pose bends the bones of a hand, the skin follows, and points that were measured are compared with points of the skin."""

from typing import Any, NamedTuple

import numpy as np

import oneform as of


class Hand(NamedTuple):
    """The hand at rest. Bone 0 is the wrist, bones 4f + 1 ... 4f + 4 are finger f (the first its root in the palm), the last is the forearm."""

    parents: Any  # of each bone; -1 for the wrist
    base_relatives: Any  # bone, 4, 4: the placement of each bone in the frame of its parent
    inverse_base_absolutes: Any  # bone, 4, 4: from the frame of the hand to that of each bone
    base_positions: Any  # vertex, 4: homogeneous coordinates
    weights: Any  # vertex, bone: how much a bone moves a vertex; mostly zero
    triangles: Any  # triangle, 3: vertices
    is_mirrored: Any


def turn_bone(bend, spread):
    """The rotation by `bend` about the bone's first axis, then by `spread` about its third, as a placement."""
    cx, sx, cz, sz = np.cos(bend), np.sin(bend), np.cos(spread), np.sin(spread)
    return np.array([[cz, -sz * cx, sz * sx, 0.0], [sz, cz * cx, -cz * sx, 0.0], [0.0, sx, cx, 0.0], [0.0, 0.0, 0.0, 1.0]])


def turn_hand(axis):
    """The rotation about `axis` by as many radians as it is long."""
    angle = np.sqrt(axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2])
    if angle < 1e-4:
        return np.eye(3)
    x, y, z = axis[0] / angle, axis[1] / angle, axis[2] / angle
    c, s = np.cos(angle), np.sin(angle)
    d = 1.0 - c
    return np.array([
        [x * x + (1.0 - x * x) * c, x * y * d - z * s, x * z * d + y * s],
        [x * y * d + z * s, y * y + (1.0 - y * y) * c, y * z * d - x * s],
        [x * z * d - y * s, y * z * d + x * s, z * z + (1.0 - z * z) * c],
    ])  # fmt: skip


def bend_bones(theta, hand):
    """What each bone does to the points that are fixed to it. theta: rotation 0-2 and place 3-5 of the hand, then four angles for each
    finger: bend and spread of its second bone, bend of the third, bend of the fourth."""
    bones = hand.parents.shape[0]
    bend, spread = np.zeros(bones), np.zeros(bones)
    for finger in range(5):
        root, first = 4 * finger + 1, 4 * finger + 6
        bend[root + 1], spread[root + 1] = theta[first], theta[first + 1]
        bend[root + 2], bend[root + 3] = theta[first + 2], theta[first + 3]
    absolutes, transforms = np.empty((bones, 4, 4)), np.empty((bones, 4, 4))
    for bone in range(bones):
        relative = hand.base_relatives[bone] @ turn_bone(bend[bone], spread[bone])
        if hand.parents[bone] < 0:
            absolutes[bone] = relative
        else:
            absolutes[bone] = absolutes[hand.parents[bone]] @ relative
        transforms[bone] = absolutes[bone] @ hand.inverse_base_absolutes[bone]
    return transforms


def place_vertex(vertex, transforms, rotation, theta, hand):
    """Where a vertex of the skin comes to lie: the weighted mean of where the bones would take it, then the placement of the hand."""
    p = hand.base_positions[vertex]
    bent = np.zeros(3)
    for bone in range(transforms.shape[0]):
        weight = hand.weights[vertex, bone]
        if weight != 0.0:
            bent += weight * (transforms[bone, :3] @ p)
    if hand.is_mirrored:
        bent[0] = -bent[0]
    return rotation @ bent + theta[3:6]


def skin(theta, hand, needed):
    """The positions of the vertices that are needed."""
    transforms, rotation = bend_bones(theta, hand), turn_hand(theta[0:3])
    positions = np.zeros((needed.shape[0], 3))
    for vertex in range(needed.shape[0]):
        if needed[vertex]:
            positions[vertex] = place_vertex(vertex, transforms, rotation, theta, hand)
    return positions


def to_vertices(theta, hand, correspondences, points):
    """The residuals where each point corresponds to a vertex."""
    needed = np.zeros(hand.base_positions.shape[0], dtype=bool)
    for vertex in correspondences:
        needed[vertex] = True
    positions = skin(theta, hand, needed)
    out = np.empty((correspondences.shape[0], 3))
    for i in range(correspondences.shape[0]):
        out[i] = points[i] - positions[correspondences[i]]
    return out.reshape(-1)


def to_surface(theta, us, hand, correspondences, points):
    """The residuals where each point corresponds to a point of a triangle, whose barycentric coordinates are unknown as well."""
    needed = np.zeros(hand.base_positions.shape[0], dtype=bool)
    for triangle in correspondences:
        for corner in range(3):
            needed[hand.triangles[triangle, corner]] = True
    positions = skin(theta, hand, needed)
    out = np.empty((correspondences.shape[0], 3))
    for i in range(correspondences.shape[0]):
        a, b, c = hand.triangles[correspondences[i], 0], hand.triangles[correspondences[i], 1], hand.triangles[correspondences[i], 2]
        u, v = us[i, 0], us[i, 1]
        out[i] = points[i] - (u * positions[a] + v * positions[b] + (1.0 - u - v) * positions[c])
    return out.reshape(-1)


def objective(theta, us, hand, correspondences, points):
    if us.shape[0] == 0:
        return to_vertices(theta, hand, correspondences, points)
    return to_surface(theta, us, hand, correspondences, points)


def jacobian(theta, us, hand, correspondences, points):
    sparse = of.jacobian(objective, argnums=(0, 1), sparse=True)
    return sparse(theta, us, hand, correspondences, points)


def example():
    from bench.gradbench import wire  # which imports programs

    return wire.example("ht")
