"""What a finding says: what was seen, the cause, and what to do."""

WORDS = {
    "not_finite/parameters": (
        "In {count}, values are NaN or infinite before training.",
        "Memory from torch.empty or from a meta device holds any values, and a checkpoint without "
        "these tensors leaves them as they are.",
        "Initialize them.",
    ),
    "not_finite/loss": (
        "The loss is {number}; {where} is the first place with values that are not finite.",
        "Values overflow on the way, an operation is undefined (a logarithm of 0, 0/0), or the "
        "batch itself holds such values.",
        "Look at what goes in there.",
    ),
    "not_finite/gradient": (
        "The loss is finite, but its gradient at {count} is not.",
        "The slope of a square root, a norm or a logarithm at 0 is infinite or undefined.",
        "Add a small number before such an operation, or start away from 0.",
    ),
    "not_finite/steps": (
        "The loss is finite at the start, and {number} after {steps}.",
        "Each step moves a tensor by 1 % of its size only, so values are close to an overflow.",
        "See the other findings.",
    ),
    "input_scale/large": (
        "The input has a size of {number} (root mean square), and nothing normalizes it.",
        "Initializers assume inputs of size 1: sums grow with the input, so that activations "
        "saturate or the loss starts far too high.",
        "Subtract the mean and divide by the standard deviation of every feature.",
    ),
    "input_scale/normalized": (
        "The input has a size of {number} (root mean square); the normalization after the first "
        "layer makes up for it.",
        "Initializers assume inputs of size 1.",
        "It does no harm here; normalized inputs are safer.",
    ),
    "input_scale/small": (
        "The input has a size of {number} (root mean square), and nothing normalizes it.",
        "Next to the biases it hardly counts, so the answers hardly differ between examples.",
        "Subtract the mean and divide by the standard deviation (once: pixels divided by 255 "
        "twice look like this).",
    ),
    "equal_units/stay": (
        "{share} of the {kind} start equal and stay equal in training.",
        "Units with equal inputs and outputs get equal gradients, so together they compute no more "
        "than one of them.",
        "Draw their initial values at random, or add a little noise to the copies.",
    ),
    "equal_units/part": (
        "{count} start with the same random values as another; training drives them apart.",
        "They were copied, or drawn twice from one seed.",
        "This does no lasting harm; if it was not intended, initialize each by itself.",
    ),
    "dead_units": (
        "{upto} a layer's ReLU units are 0 for every example.",
        "Such a unit passes no gradient. Negative biases, large weights or a deep and narrow "
        "network lead to this.",
        "Start biases at 0 and weights at a variance of 2/fan_in (He), or use wider layers.",
    ),
    "saturated/flat": (
        "{upto} a layer's values are at the flat ends of tanh or sigmoid.",
        "The slope there is below 5 % of its largest, so hardly any gradient passes: weights, "
        "biases or inputs are too large.",
        "Normalize the input, and use smaller weights (Xavier; gain 5/3 for tanh).",
    ),
    "saturated/softmax": (
        "In up to {share} of its rows, softmax gives more than 99 % to a single entry.",
        "Hardly any gradient passes such a row: its scores are too large.",
        "Divide scores by √d, and use smaller weights for queries and keys.",
    ),
    "no_gradient/zeros": (
        "The gradient of {count} is exactly 0, and still 0 after {steps}.",
        "These start at 0: {zeros}. In a product each factor's gradient is proportional to the "
        "other factor, and ReLU passes nothing at 0, so these zeros can never change.",
        "Keep at most one zero in every product: draw weights at random, and start scales and "
        "gains at 1.",
    ),
    "no_gradient/lost": (
        "The gradient of {count} is exactly 0, and still 0 after {steps}.",
        "Something above passes nothing: dead or saturated units, or values too small for the "
        "number format.",
        "Fix the finding about the layers above first.",
    ),
    "no_gradient/one": (
        "The gradient of {count} is exactly 0, and still 0 after {steps}.",
        "These are biases or scales, not matrices: what follows may not depend on them (as a bias "
        "before a normalization or a softmax).",
        "Leave them out if so.",
    ),
    "no_gradient/never": (
        "The gradient of {count} ({share} of all trainable values) is exactly 0, and would be with "
        "any initial values.",
        "Nobody reads what they compute (as with the far end of a bidirectional layer), a factor "
        "after them is 0, or an operation such as rounding has no slope.",
        "Look at what becomes of their outputs.",
    ),
    "no_gradient/slices": (
        "Up to {share} of the slices of {count} (experts, for example) never get a gradient.",
        "Nothing of this batch is sent to them.",
        "Start the router at zero or small, or balance its choices.",
    ),
    "no_gradient/cut": (
        "{count} ({share} of all trainable values) are used, but no gradient gets there.",
        "detach(), no_grad(), .data, an argmax or a conversion to NumPy cuts them off, or what "
        "they compute is thrown away.",
        "Remove the cut, or use the result; if it is intended, set requires_grad to False.",
    ),
    "unused": (
        "{count} ({share} of all trainable values) are never used for this loss.",
        "The forward pass does not reach them, for this batch at least.",
        "Call them, or remove them.",
    ),
    "exploding": (
        "The {what} grows {number} times a layer, {total} times over {layers} layers.",
        "Weights are too large for their number of inputs, or sums of branches add up.",
        "Use a variance of 1/fan_in (2/fan_in before ReLU); scale residual branches by 1/√(number "
        "of blocks) or start them at 0; or normalize.",
    ),
    "exploding/time": (
        "The gradient grows {total} times on its way through the steps of the sequence.",
        "Recurrent weights with singular values above 1 multiply it at every step.",
        "Start them orthogonal or as the identity.",
    ),
    "vanishing": (
        "The {what} shrinks to {number} of itself a layer, to {total} over {layers} layers.",
        "Weights are too small for their number of inputs, or the slope of the activation is: "
        "what differs between examples is lost on the way.",
        "Use a variance of 1/fan_in (2/fan_in before ReLU), normalize, or add skip connections; "
        "replace sigmoid in hidden layers.",
    ),
    "vanishing/gradient": (
        "The gradients of {count} are so small (norm {number} at most) that no optimizer follows "
        "them.",
        "A product of many small factors, or a signal that is lost on the way.",
        "Use larger weights, or compute with logarithms.",
    ),
    "vanishing/time": (
        "The gradient at the first step of the sequence is {total} of that at the last one.",
        "Recurrent weights with singular values below 1 shrink it at every step.",
        "Start them orthogonal or as the identity; start the forget bias of an LSTM at 1.",
    ),
    "large_logits/loss": (
        "The loss starts at {loss}; guessing without looking at the input would give {guess}.",
        "The outputs are too large, so the network is sure of answers that it has no reason for, "
        "and first has to unlearn them.",
        "Start the last layer smaller: zeros, or a variance below 1/fan_in. If its weight is an "
        "embedding too, draw that with σ 0.02 (not zeros), and position embeddings with the same.",
    ),
    "large_logits/size": (
        "The outputs are {number} times as large as the targets.",
        "The network first has to unlearn them.",
        "Start the last layer smaller, or bring outputs and targets to one scale.",
    ),
    "large_logits/fall": (
        "The loss starts at {loss} and falls to {end} in {steps}.",
        "Something in the answers is too large or too sure (such as a small variance).",
        "Start the last layer, or such a scale, closer to what a guess would be.",
    ),
    "vanishing/gains": (
        "The gains of a normalization start near 0 (size {number}).",
        "A normalization multiplies by them, and starts at 1 by default; N(1, σ) may have been "
        "meant instead of N(0, σ).",
        "Start them at 1, or at exactly 0 where a skip connection goes around them.",
    ),
    "input_blind/same": (
        "The outputs are the same for every example, even after {steps}.",
        "The input's influence is lost on the way, while biases or constants are not.",
        "See the other findings; where there is none, use larger weights (a variance of "
        "1/fan_in), skip connections or normalization.",
    ),
    "input_blind/differ": (
        "The outputs differ between examples by {share} of their size only, even after {steps}.",
        "The input's influence is lost on the way, while biases or constants are not.",
        "See the other findings; where there is none, use larger weights (a variance of "
        "1/fan_in), skip connections or normalization.",
    ),
}
