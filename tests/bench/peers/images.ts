/** What of images is measured: the names of the rows, which peers share. */

/** A net that reads digits: two convolutions, a pool, a linear layer; an Adam step. */
export const CNN = "digits CNN 1-32-64, 64 images 28x28, an Adam step";

/** One convolution without gradients. */
export const CONVOLUTION = "3x3 convolution, 64 images 26x26, 32 to 64 channels";
